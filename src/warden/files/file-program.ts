import { closeSync, readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { CallStream } from '#channel/call.ts';
import { decodeHeaded, encodeFrame, encodeHeaded, type Frame, FrameReader } from '#channel/frame.ts';
import { frameKinds } from '#contract/channel.ts';
import { CasemateError } from '#contract/errors.ts';
import { becomeShutIn } from '#kernel/process-identity.ts';
import { refuseCalls } from '#kernel/seccomp.ts';
import { type FileAct, type FileFailure, fileProcess } from '#warden/files/file-messages.ts';
import {
  abandonWrite,
  beginWrite,
  commitWrite,
  type GuestRoot,
  listDirectory,
  makeDirectory,
  openForReading,
  removeFile,
  removeTemporary,
  renameFile,
  statFile,
} from '#warden/files/file-work.ts';
import { callsRefusedToFileWork } from '#warden/files/refused-calls.ts';

/**
 * The process that works on the files of one sandbox (H6): `file-program.ts <empty directory> <uid>
 * <gid> <first uid> <number of ids>`. Before it reads a byte it shuts itself in: an empty directory for its root, the
 * sandbox's own user, no capability, and no call that files do not need. All that it has is the
 * sandbox's root and the socket of the warden, at whose end it ends.
 */
const [directory = '', uid, gid, firstUid, ids] = process.argv.slice(2);
becomeShutIn(directory, Number(uid), Number(gid));
refuseCalls(callsRefusedToFileWork());

const root: GuestRoot = { rootFd: fileProcess.rootFd, firstUid: Number(firstUid), ids: Number(ids) };
const socket = new Socket({ fd: fileProcess.socketFd });
const calls = new Map<number, CallStream>();
const cancelled = new Set<number>();
const chunkBytes = 65_536;
/** Removals per turn, between which other requests are served. */
const slice = 256;

const write = (parts: Buffer[]): void => {
  socket.cork();
  for (const part of parts) socket.write(part);
  socket.uncork();
};
const bytesOf = (path: string): Buffer => Buffer.from(path, 'base64');

async function read(act: FileAct & { act: 'read' }, stream: CallStream): Promise<{ size: number }> {
  const { fd, size } = openForReading(root, bytesOf(act.path));
  try {
    let { offset, length } = act;
    while (length > 0) {
      const buffer = Buffer.allocUnsafe(Math.min(length, chunkBytes));
      const count = readSync(fd, buffer, 0, buffer.length, offset);
      if (count === 0) break;
      await stream.send({}, buffer.subarray(0, count));
      offset += count;
      length -= count;
    }
    return { size };
  } finally {
    closeSync(fd);
  }
}

async function writeAll(act: FileAct & { act: 'write' }, stream: CallStream): Promise<unknown> {
  const pending = beginWrite(root, bytesOf(act.path), act.mode, act.temporaryName);
  try {
    for await (const { payload } of stream) {
      for (let at = 0; at < payload.length; ) at += writeSync(pending.fd, payload, at);
    }
  } catch (error) {
    abandonWrite(pending);
    throw error;
  }
  return commitWrite(root, pending, act.durable);
}

async function remove(act: FileAct & { act: 'remove' }, call: number): Promise<unknown> {
  let steps = 0;
  for (const _ of removeFile(root, bytesOf(act.path))) {
    steps += 1;
    if (steps % slice !== 0) continue;
    await new Promise((resolve) => setImmediate(resolve));
    if (cancelled.has(call)) throw new CasemateError('cancelled', 'The rest was not removed.');
  }
  return {};
}

async function perform(act: FileAct, call: number, stream: CallStream): Promise<unknown> {
  switch (act.act) {
    case 'ping':
      return {};
    case 'list':
      return listDirectory(root, bytesOf(act.path), act.limit);
    case 'stat':
      return statFile(root, bytesOf(act.path));
    case 'makeDirectory':
      return makeDirectory(root, bytesOf(act.path));
    case 'rename':
      return renameFile(root, bytesOf(act.path), bytesOf(act.to)) ?? {};
    case 'removeTemporary':
      return removeTemporary(root, bytesOf(act.path), act.temporaryName) ?? {};
    case 'read':
      return read(act, stream);
    case 'write':
      return writeAll(act, stream);
    case 'remove':
      return remove(act, call);
  }
}

async function serve({ call, body }: Frame): Promise<void> {
  const stream = new CallStream(call, write);
  calls.set(call, stream);
  try {
    const result = await perform(decodeHeaded(body).header as FileAct, call, stream);
    write(encodeFrame(frameKinds.reply, call, encodeHeaded(result)));
  } catch (error) {
    const known = error instanceof CasemateError;
    const { code } = error as { code?: unknown };
    const failure: FileFailure = {
      known,
      code: typeof code === 'string' ? code : 'EUNKNOWN',
      message: known ? error.message : String(error),
    };
    write(encodeFrame(frameKinds.error, call, encodeHeaded(failure)));
  } finally {
    calls.delete(call);
    cancelled.delete(call);
  }
}

const reader = new FrameReader();
socket.on('data', (bytes: Buffer) => {
  for (const frame of reader.push(bytes)) {
    const stream = calls.get(frame.call);
    if (frame.kind === frameKinds.request) void serve(frame);
    else if (!stream) continue;
    else if (frame.kind === frameKinds.item) stream.received(frame.body);
    else if (frame.kind === frameKinds.end) stream.ended();
    else if (frame.kind === frameKinds.credit) stream.granted(frame.body.readUInt32BE(0));
    else if (frame.kind === frameKinds.cancel) {
      cancelled.add(frame.call);
      stream.fail(new CasemateError('cancelled'));
    }
  }
});
socket.on('error', () => process.exit(1));
socket.on('close', () => process.exit(0));
write(encodeFrame(frameKinds.reply, fileProcess.readyCall, encodeHeaded({})));
