import { idPattern, type TeamId, type TerminalId } from '#base/ids.ts';
import {
  chunkHeadBytes,
  chunkKinds,
  chunkMagic,
  maximumChunkOutputBytes,
  recordingHeaderBytes,
  recordingMagic,
} from '#contract/recording.ts';

/** The head of a recording's file. */
export interface RecordingHeader {
  readonly terminalId: TerminalId;
  readonly teamId: TeamId;
  /** Raw X25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Milliseconds since the Unix epoch. */
  readonly createdMs: number;
}

export type ChunkKind = (typeof chunkKinds)[keyof typeof chunkKinds];

/** What is readable of a chunk without the key. */
export interface ChunkHead {
  readonly kind: ChunkKind;
  readonly sequence: number;
  /** Absolute offset of the terminal's output at which the chunk stands. */
  readonly offset: number;
  readonly plaintextBytes: number;
  /** Output bytes inside; 0 unless `kind` is output. */
  readonly outputBytes: number;
  /** Milliseconds since the Unix epoch. */
  readonly timeMs: number;
  readonly ephemeralKey: Uint8Array;
}

/** A chunk's plaintext is never longer: the timing entries of an output chunk are at most one a byte. */
export const maximumPlaintextBytes = 2 + 9 * maximumChunkOutputBytes;

function putAscii(bytes: Uint8Array, at: number, text: string): void {
  for (let index = 0; index < text.length; index += 1) bytes[at + index] = text.charCodeAt(index);
}

function setUint64(view: DataView, at: number, value: number): void {
  view.setBigUint64(at, BigInt(value));
}

function matches(bytes: Uint8Array, magic: string): boolean {
  for (let at = 0; at < magic.length; at += 1) if (bytes[at] !== magic.charCodeAt(at)) return false;
  return true;
}

export function encodeRecordingHeader(header: RecordingHeader): Uint8Array {
  const bytes = new Uint8Array(recordingHeaderBytes);
  putAscii(bytes, 0, recordingMagic);
  putAscii(bytes, 8, header.terminalId);
  putAscii(bytes, 28, header.teamId);
  bytes.set(header.publicKey, 48);
  setUint64(new DataView(bytes.buffer), 80, header.createdMs);
  return bytes;
}

/** Undefined when `bytes` do not begin with a header of this version. */
export function decodeRecordingHeader(bytes: Uint8Array): RecordingHeader | undefined {
  if (bytes.length < recordingHeaderBytes || !matches(bytes, recordingMagic)) return undefined;
  const terminalId = String.fromCharCode(...bytes.subarray(8, 28));
  const teamId = String.fromCharCode(...bytes.subarray(28, 48));
  if (!idPattern.test(terminalId) || !idPattern.test(teamId)) return undefined;
  const createdMs = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(80));
  return {
    terminalId: terminalId as TerminalId,
    teamId: teamId as TeamId,
    publicKey: bytes.slice(48, 80),
    createdMs,
  };
}

export function encodeChunkHead(head: ChunkHead): Uint8Array {
  const bytes = new Uint8Array(chunkHeadBytes);
  const view = new DataView(bytes.buffer);
  putAscii(bytes, 0, chunkMagic);
  view.setUint8(4, head.kind);
  view.setUint32(5, head.sequence);
  setUint64(view, 9, head.offset);
  view.setUint32(17, head.plaintextBytes);
  view.setUint32(21, head.outputBytes);
  setUint64(view, 25, head.timeMs);
  bytes.set(head.ephemeralKey, 33);
  return bytes;
}

/** Undefined when `bytes` do not begin with a chunk's head, or its lengths cannot be. */
export function decodeChunkHead(bytes: Uint8Array): ChunkHead | undefined {
  if (bytes.length < chunkHeadBytes || !matches(bytes, chunkMagic)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, chunkHeadBytes);
  const kind = view.getUint8(4);
  const plaintextBytes = view.getUint32(17);
  const outputBytes = view.getUint32(21);
  if (kind !== chunkKinds.output && kind !== chunkKinds.resize && kind !== chunkKinds.exit) return undefined;
  if (plaintextBytes > maximumPlaintextBytes || outputBytes > maximumChunkOutputBytes) return undefined;
  if (kind !== chunkKinds.output && outputBytes !== 0) return undefined;
  return {
    kind,
    sequence: view.getUint32(5),
    offset: Number(view.getBigUint64(9)),
    plaintextBytes,
    outputBytes,
    timeMs: Number(view.getBigUint64(25)),
    ephemeralKey: bytes.slice(33, chunkHeadBytes),
  };
}
