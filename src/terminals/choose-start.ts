import type { TenantScope } from '#database/tenant-scope.ts';
import type { TerminalContext, TerminalKey } from '#terminals/terminal-context.ts';
import { outputEnd, terminalOutput } from '#terminals/terminal-output.ts';

/** How far back a viewer begins that says nothing. */
const tailBytes = 1_048_576;
const lookForBoundary = 4096;

export interface Start {
  readonly offset: number;
  /** The viewer must be told: it asked for nothing, or for what is not there. */
  readonly announce: boolean;
  /** What lies before was on a screen already, so that its queries are not answered again. */
  readonly seenUpTo: number;
}

/** Where a viewer begins: where it left off, or at the beginning of a line near the end. */
export async function chooseStart(
  context: TerminalContext,
  terminal: TerminalKey,
  scope: TenantScope,
  wanted: number | undefined,
  signal: AbortSignal,
): Promise<Start> {
  if (wanted === 0) return { offset: 0, announce: false, seenUpTo: 0 };
  const end = await outputEnd(context, terminal);
  if (wanted !== undefined) {
    const offset = Math.min(wanted, end);
    return { offset, announce: wanted > end, seenUpTo: offset };
  }
  const earliest = end - tailBytes;
  if (earliest <= 0) return { offset: 0, announce: true, seenUpTo: end };
  for await (const piece of terminalOutput(context, terminal, scope, earliest, signal)) {
    const offset = piece.offset + boundaryIn(piece.bytes.subarray(0, lookForBoundary));
    return { offset, announce: true, seenUpTo: end };
  }
  return { offset: earliest, announce: true, seenUpTo: end };
}

/** After the first line's end, else at the first byte that begins a character (RFC 3629, section 3). */
export function boundaryIn(bytes: Uint8Array): number {
  const lineEnd = bytes.indexOf(0x0a);
  if (lineEnd !== -1) return lineEnd + 1;
  const character = bytes.findIndex((byte) => (byte & 0xc0) !== 0x80);
  return character === -1 ? 0 : character;
}
