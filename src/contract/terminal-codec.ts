import { CasemateError } from '#contract/errors.ts';
import { type BrowserFrame, maximumInputFrameBytes, type ServerFrame, terminalFrames } from '#contract/terminal.ts';

/** Bytes that a frame holds before an output frame's own bytes: the kind and the offset. */
export const outputHeadBytes = 9;

type Bytes = Uint8Array<ArrayBuffer>;

function invalid(what: string): CasemateError {
  return new CasemateError('invalid_request', `The terminal frame is not valid: ${what}.`);
}

function viewOf(frame: Uint8Array): DataView {
  return new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
}

function expectLength(frame: Uint8Array, length: number): void {
  if (frame.length !== length) throw invalid(`${length} bytes were expected, ${frame.length} came`);
}

function readOffset(view: DataView, at: number): number {
  const offset = view.getBigUint64(at);
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid('the offset is out of range');
  return Number(offset);
}

function offsetFrame(kind: number, offset: number, room: number): Bytes {
  const frame = new Uint8Array(outputHeadBytes + room);
  frame[0] = kind;
  new DataView(frame.buffer).setBigUint64(1, BigInt(offset));
  return frame;
}

function sizeFrame(kind: number, columns: number, rows: number): Bytes {
  const frame = new Uint8Array(5);
  frame[0] = kind;
  const view = new DataView(frame.buffer);
  view.setUint16(1, columns);
  view.setUint16(3, rows);
  return frame;
}

function tokenFrame(kind: number, token: number): Bytes {
  const frame = new Uint8Array(5);
  frame[0] = kind;
  new DataView(frame.buffer).setUint32(1, token);
  return frame;
}

/** JSON in ASCII: what is beyond is escaped, so that no text encoder is needed where this runs. */
function jsonFrame(kind: number, value: Readonly<Record<string, string | number | null>>): Bytes {
  const text = JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const frame = new Uint8Array(1 + text.length);
  frame[0] = kind;
  for (let at = 0; at < text.length; at++) frame[at + 1] = text.charCodeAt(at);
  return frame;
}

function readJson(frame: Uint8Array): Record<string, unknown> {
  let text = '';
  for (const byte of frame.subarray(1)) {
    if (byte > 0x7f) throw invalid('its JSON is not ASCII');
    text += String.fromCharCode(byte);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CasemateError('invalid_request', 'The terminal frame is not valid: its JSON cannot be parsed.', {
      cause,
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('its JSON is not an object');
  return value as Record<string, unknown>;
}

/** What a browser sends. */
export function encodeBrowserFrame(frame: BrowserFrame): Bytes {
  switch (frame.kind) {
    case 'key':
    case 'paste':
    case 'reply': {
      const bytes = new Uint8Array(1 + frame.bytes.length);
      bytes[0] = terminalFrames[frame.kind];
      bytes.set(frame.bytes, 1);
      return bytes;
    }
    case 'resize':
      return sizeFrame(terminalFrames.resize, frame.columns, frame.rows);
    case 'acknowledge':
      return offsetFrame(terminalFrames.acknowledge, frame.offset, 0);
    case 'ping':
      return tokenFrame(terminalFrames.ping, frame.token);
  }
}

/**
 * Parses what came from a browser. Throws `invalid_request`, or `too_large` above
 * `maximumInputFrameBytes`. `bytes` share memory with `frame`. Whether text is valid UTF-8 is not
 * looked at here.
 */
export function decodeBrowserFrame(frame: Uint8Array): BrowserFrame {
  if (frame.length > maximumInputFrameBytes) {
    throw new CasemateError('too_large', `A terminal frame holds at most ${maximumInputFrameBytes} bytes.`);
  }
  const view = viewOf(frame);
  switch (frame[0]) {
    case terminalFrames.key:
      return { kind: 'key', bytes: frame.subarray(1) };
    case terminalFrames.paste:
      return { kind: 'paste', bytes: frame.subarray(1) };
    case terminalFrames.reply:
      return { kind: 'reply', bytes: frame.subarray(1) };
    case terminalFrames.resize: {
      expectLength(frame, 5);
      const columns = view.getUint16(1);
      const rows = view.getUint16(3);
      if (columns < 1 || columns > 1000 || rows < 1 || rows > 1000) throw invalid('the size is out of range');
      return { kind: 'resize', columns, rows };
    }
    case terminalFrames.acknowledge:
      expectLength(frame, 9);
      return { kind: 'acknowledge', offset: readOffset(view, 1) };
    case terminalFrames.ping:
      expectLength(frame, 5);
      return { kind: 'ping', token: view.getUint32(1) };
    default:
      throw invalid('its kind is unknown');
  }
}

/** What the server sends. */
export function encodeServerFrame(frame: ServerFrame): Bytes {
  switch (frame.kind) {
    case 'output': {
      const bytes = offsetFrame(terminalFrames.output, frame.offset, frame.bytes.length);
      bytes.set(frame.bytes, outputHeadBytes);
      return bytes;
    }
    case 'size':
      return sizeFrame(terminalFrames.size, frame.columns, frame.rows);
    case 'pong':
      return tokenFrame(terminalFrames.pong, frame.token);
    case 'ended':
      return jsonFrame(terminalFrames.ended, { exitCode: frame.exitCode, signal: frame.signal });
    case 'notice':
      return jsonFrame(terminalFrames.notice, { code: frame.code, message: frame.message });
    case 'role':
      return new Uint8Array([terminalFrames.role, frame.answersQueries ? 1 : 0]);
    case 'start':
    case 'live':
      return offsetFrame(terminalFrames[frame.kind], frame.offset, 0);
  }
}

/** Parses what came from the server. Throws `invalid_request`. `bytes` share memory with `frame`. */
export function decodeServerFrame(frame: Uint8Array): ServerFrame {
  const view = viewOf(frame);
  switch (frame[0]) {
    case terminalFrames.output:
      if (frame.length < outputHeadBytes) throw invalid('it is too short');
      return { kind: 'output', offset: readOffset(view, 1), bytes: frame.subarray(outputHeadBytes) };
    case terminalFrames.size:
      expectLength(frame, 5);
      return { kind: 'size', columns: view.getUint16(1), rows: view.getUint16(3) };
    case terminalFrames.pong:
      expectLength(frame, 5);
      return { kind: 'pong', token: view.getUint32(1) };
    case terminalFrames.ended: {
      const { exitCode, signal } = readJson(frame);
      if (exitCode !== null && typeof exitCode !== 'number') throw invalid('the exit code is not a number');
      if (signal !== null && typeof signal !== 'string') throw invalid('the signal is not a name');
      return { kind: 'ended', exitCode, signal };
    }
    case terminalFrames.notice: {
      const { code, message } = readJson(frame);
      if (typeof code !== 'string' || typeof message !== 'string') throw invalid('the notice has no text');
      return { kind: 'notice', code, message };
    }
    case terminalFrames.role:
      expectLength(frame, 2);
      return { kind: 'role', answersQueries: frame[1] === 1 };
    case terminalFrames.start:
    case terminalFrames.live:
      expectLength(frame, 9);
      return { kind: frame[0] === terminalFrames.live ? 'live' : 'start', offset: readOffset(view, 1) };
    default:
      throw invalid('its kind is unknown');
  }
}
