const started = Number(process.env.LAUNCH_STARTED ?? Math.floor(Date.now() / 1000));

/** One line for the person who waits, with the seconds since the launcher began. Standard error, so that results can be piped. */
export function say(text: string): void {
  const seconds = Math.max(0, Math.floor(Date.now() / 1000) - started);
  process.stderr.write(`[${String(seconds).padStart(3)}s] ${text}\n`);
}

/** Says `text` again every ten seconds until disposed, so that nothing seems to hang. */
export function stillWorking(text: () => string): Disposable {
  const timer = setInterval(() => say(text()), 10_000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
