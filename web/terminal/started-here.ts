const started = new Set<string>();

/** Remembers that this page started the terminal: nobody can have seen it before. */
export function rememberStarted(terminalId: string): void {
  started.add(terminalId);
}

/** Whether this page started the terminal and has not shown it yet. True once. */
export function takeStarted(terminalId: string): boolean {
  return started.delete(terminalId);
}
