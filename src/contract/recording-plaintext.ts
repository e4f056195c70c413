import type { TerminalSize } from '#contract/common.ts';
import type { Exit } from '#contract/warden.ts';

/** So many output bytes came at `timeMs`. */
export interface OutputTiming {
  timeMs: number;
  bytes: number;
}

const lastMilliseconds = 0xffff_ffff;

/**
 * The plaintext of an output chunk. `timings` add up to `output`'s length, in order, and are at most
 * 65,535; times before `timeMs` (a clock that was set back) count as `timeMs`.
 */
export function encodeOutput(timeMs: number, timings: readonly OutputTiming[], output: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + 8 * timings.length + output.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, timings.length);
  let at = 2;
  for (const timing of timings) {
    view.setUint32(at, Math.min(Math.max(timing.timeMs - timeMs, 0), lastMilliseconds));
    view.setUint32(at + 4, timing.bytes);
    at += 8;
  }
  bytes.set(output, at);
  return bytes;
}

/** Undefined when the plaintext contradicts itself. `output` is a view into `bytes`. */
export function decodeOutput(
  timeMs: number,
  bytes: Uint8Array,
): { readonly timings: OutputTiming[]; readonly output: Uint8Array } | undefined {
  if (bytes.length < 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = view.getUint16(0);
  const from = 2 + 8 * count;
  if (from > bytes.length) return undefined;
  const timings: OutputTiming[] = [];
  let total = 0;
  for (let at = 2; at < from; at += 8) {
    const timing = { timeMs: timeMs + view.getUint32(at), bytes: view.getUint32(at + 4) };
    total += timing.bytes;
    timings.push(timing);
  }
  return total === bytes.length - from ? { timings, output: bytes.subarray(from) } : undefined;
}

export function encodeResize(size: TerminalSize): Uint8Array {
  const bytes = new Uint8Array(4);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, size.columns);
  view.setUint16(2, size.rows);
  return bytes;
}

export function decodeResize(bytes: Uint8Array): TerminalSize | undefined {
  if (bytes.length !== 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 4);
  return { columns: view.getUint16(0), rows: view.getUint16(2) };
}

export function encodeExit(exit: Exit): Uint8Array {
  const signal = exit.signal ?? '';
  const bytes = new Uint8Array(4 + signal.length);
  new DataView(bytes.buffer).setInt32(0, exit.exitCode ?? -1);
  for (let at = 0; at < signal.length; at += 1) bytes[4 + at] = signal.charCodeAt(at);
  return bytes;
}

export function decodeExit(bytes: Uint8Array): Exit | undefined {
  if (bytes.length < 4) return undefined;
  const code = new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0);
  const signal = String.fromCharCode(...bytes.subarray(4));
  return { exitCode: code === -1 ? null : code, signal: signal === '' ? null : signal };
}
