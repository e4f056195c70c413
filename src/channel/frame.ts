import { type FrameKind, frameKinds, maximumFrameBytes } from '#contract/channel.ts';

/** One frame of contract/channel.ts, its body not yet read. */
export interface Frame {
  readonly kind: FrameKind;
  readonly call: number;
  readonly body: Buffer;
}

export interface Headed {
  readonly header: unknown;
  readonly payload: Buffer;
}

const prefixBytes = 9;
const knownKinds: ReadonlySet<number> = new Set(Object.values(frameKinds));

/** A peer that does not speak the protocol; its connection must end. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** The wire form of a frame, as parts to be written together. */
export function encodeFrame(kind: FrameKind, call: number, body: readonly Uint8Array[] = []): Buffer[] {
  let bodyLength = 0;
  for (const part of body) bodyLength += part.length;
  if (bodyLength + 5 > maximumFrameBytes) throw new FrameError('the frame is too long');
  const prefix = Buffer.allocUnsafe(prefixBytes);
  prefix.writeUInt32BE(bodyLength + 5, 0);
  prefix.writeUInt8(kind, 4);
  prefix.writeUInt32BE(call, 5);
  return [prefix, ...body.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength))];
}

/** The body of a request, reply, error or item: a JSON header, then bytes. */
export function encodeHeaded(header: unknown, payload?: Uint8Array): Uint8Array[] {
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(json.length, 0);
  return payload && payload.length > 0 ? [length, json, payload] : [length, json];
}

/** Reads {@link encodeHeaded} back; throws a FrameError when lengths or JSON are wrong. */
export function decodeHeaded(body: Buffer): Headed {
  if (body.length < 4) throw new FrameError('the header length is missing');
  const length = body.readUInt32BE(0);
  if (length > body.length - 4) throw new FrameError('the header is longer than the frame');
  try {
    return { header: JSON.parse(body.toString('utf8', 4, 4 + length)), payload: body.subarray(4 + length) };
  } catch (cause) {
    throw new FrameError('the header is not JSON', { cause });
  }
}

/** Cuts a byte stream into frames, however it was split on its way. Throws a FrameError and is then spent. */
export class FrameReader {
  #pending: Buffer[] = [];
  #length = 0;

  /** Adds bytes and returns the frames that are now whole, in order. */
  push(bytes: Buffer): Frame[] {
    this.#pending.push(bytes);
    this.#length += bytes.length;
    const frames: Frame[] = [];
    while (this.#length >= prefixBytes) {
      const prefix = this.#peek(prefixBytes);
      const length = prefix.readUInt32BE(0);
      const kind = prefix.readUInt8(4);
      if (length < 5 || length > maximumFrameBytes) throw new FrameError('the frame length is out of range');
      if (!knownKinds.has(kind)) throw new FrameError('the frame kind is unknown');
      if (this.#length < length + 4) break;
      const whole = this.#take(length + 4);
      frames.push({ kind: kind as FrameKind, call: whole.readUInt32BE(5), body: whole.subarray(prefixBytes) });
    }
    return frames;
  }

  #peek(count: number): Buffer {
    const first = this.#pending[0];
    if (first && first.length >= count) return first;
    this.#pending = [Buffer.concat(this.#pending)];
    return this.#pending[0] as Buffer;
  }

  #take(count: number): Buffer {
    const first = this.#peek(count);
    const all = first.length >= count ? first : Buffer.concat(this.#pending);
    if (all !== first) this.#pending = [all];
    const rest = all.subarray(count);
    this.#pending[0] = rest;
    if (rest.length === 0) this.#pending.shift();
    this.#length -= count;
    return all.subarray(0, count);
  }
}
