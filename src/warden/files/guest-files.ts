import { randomUUID } from 'node:crypto';
import { close, read, write } from 'node:fs';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { GuestPath } from '#contract/common.ts';
import { CasemateError, type ErrorCode } from '#contract/errors.ts';
import type { FileEntry } from '#contract/warden.ts';
import type { FileAct, FileReply, FileRequest } from '#warden/files/file-worker.ts';
import type { GuestRoot, PendingWrite } from '#warden/files/file-work.ts';
import { guestPathBytes } from '#warden/files/guest-path.ts';

const readAsync = promisify(read);
const writeAsync = promisify(write);
const closeAsync = promisify(close);

/** Calls about files that one sandbox may have under way. */
const maximumPerSandbox = 16;
const chunkBytes = 65_536;

/** Work on a sandbox's files as its user, in a thread that has no other power (H6). */
export interface GuestFiles extends AsyncDisposable {
  list(root: GuestRoot, at: GuestPath, limit: number): Promise<{ entries: FileEntry[]; truncated: boolean }>;
  stat(root: GuestRoot, at: GuestPath): Promise<FileEntry>;
  /** Hands at most `length` bytes from `offset` to `send`, in order; answers the file's size. */
  read(
    root: GuestRoot,
    at: GuestPath,
    range: { readonly offset: number; readonly length: number },
    send: (bytes: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<number>;
  /** Writes the chunks beside the target and renames them over it. A failure leaves the target as it was. */
  write(
    root: GuestRoot,
    at: GuestPath,
    mode: number,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<FileEntry>;
  makeDirectory(root: GuestRoot, at: GuestPath): Promise<FileEntry>;
  rename(root: GuestRoot, at: GuestPath, to: GuestPath): Promise<void>;
  remove(root: GuestRoot, at: GuestPath): Promise<void>;
}

const codes: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOENT: ['not_found', 'There is no such file in the sandbox.'],
  ENOTDIR: ['invalid_path', 'A part of the path is not a directory.'],
  EISDIR: ['invalid_path', 'The path names a directory.'],
  ELOOP: ['invalid_path', 'The path has too many or forbidden symbolic links.'],
  ENAMETOOLONG: ['invalid_path', 'The path is too long.'],
  EINVAL: ['invalid_path', 'The path cannot be used this way.'],
  EXDEV: ['invalid_path', 'The path leads to another file system.'],
  ENXIO: ['invalid_path', 'Only regular files and directories of the sandbox can be used.'],
  EACCES: ['forbidden', 'The sandbox does not allow its user to do this.'],
  EPERM: ['forbidden', 'The sandbox does not allow its user to do this.'],
  EROFS: ['forbidden', 'The path cannot be changed.'],
  EEXIST: ['already_exists', 'It exists already in the sandbox.'],
  ENOTEMPTY: ['conflict', 'The directory is not empty.'],
  EBUSY: ['conflict', 'The path is in use.'],
  ENOSPC: ['no_space', 'The sandbox has no room left. What was there was kept.'],
  EDQUOT: ['no_space', 'The sandbox has no room left. What was there was kept.'],
  EAGAIN: ['conflict', 'The path changed while it was looked up. Try again.'],
};

function toError(code: string, message: string, known: boolean): Error {
  if (known) return new CasemateError(code as ErrorCode, message);
  const [translated, text] = codes[code] ?? [];
  if (translated) return new CasemateError(translated, text);
  return new CasemateError('internal', undefined, { cause: new Error(message) });
}

/** Starts the thread. Its death without being asked is told to `onFailure`: the process must stop. */
export function createGuestFiles(onFailure: (error: Error) => void): GuestFiles {
  const worker = new Worker(new URL('./file-worker.ts', import.meta.url), { env: {}, trackUnmanagedFds: false });
  const waiting = new Map<number, (reply: FileReply) => void>();
  const underWay = new Map<number, number>();
  let serial = 0;
  let closing = false;
  worker.on('message', (reply: FileReply) => {
    waiting.get(reply.serial)?.(reply);
    waiting.delete(reply.serial);
  });
  worker.on('error', onFailure);
  worker.on('exit', () => {
    if (!closing) onFailure(new Error('the file worker ended'));
  });

  const ask = async <Result>(root: GuestRoot, work: FileAct): Promise<Result> => {
    serial += 1;
    const request: FileRequest = { serial, root: { rootFd: root.rootFd, firstUid: root.firstUid }, work };
    const reply = await new Promise<FileReply>((resolve) => {
      waiting.set(request.serial, resolve);
      worker.postMessage(request);
    });
    if ('result' in reply) return reply.result as Result;
    throw toError(reply.code, reply.message, reply.known);
  };
  const limited = async <Result>(root: GuestRoot, act: () => Promise<Result>): Promise<Result> => {
    const count = underWay.get(root.rootFd) ?? 0;
    if (count >= maximumPerSandbox) {
      throw new CasemateError('rate_limited', 'Too many file operations run in this sandbox. Try again.');
    }
    underWay.set(root.rootFd, count + 1);
    try {
      return await act();
    } finally {
      const left = (underWay.get(root.rootFd) ?? 1) - 1;
      if (left > 0) underWay.set(root.rootFd, left);
      else underWay.delete(root.rootFd);
    }
  };
  const bytes = guestPathBytes;

  return {
    list: (root, at, limit) => limited(root, () => ask(root, { act: 'list', path: bytes(at), limit })),
    stat: (root, at) => limited(root, () => ask(root, { act: 'stat', path: bytes(at) })),
    makeDirectory: (root, at) => limited(root, () => ask(root, { act: 'makeDirectory', path: bytes(at) })),
    rename: (root, at, to) => limited(root, () => ask(root, { act: 'rename', path: bytes(at), to: bytes(to) })),
    remove: (root, at) => limited(root, () => ask(root, { act: 'remove', path: bytes(at) })),
    read: (root, at, range, send, signal) =>
      limited(root, async () => {
        const { fd, size } = await ask<{ fd: number; size: number }>(root, { act: 'read', path: bytes(at) });
        try {
          let { offset, length } = range;
          while (length > 0) {
            signal.throwIfAborted();
            const buffer = Buffer.allocUnsafe(Math.min(length, chunkBytes));
            const { bytesRead } = await readAsync(fd, buffer, 0, buffer.length, offset);
            if (bytesRead === 0) break;
            await send(buffer.subarray(0, bytesRead));
            offset += bytesRead;
            length -= bytesRead;
          }
          return size;
        } finally {
          await closeAsync(fd);
        }
      }),
    write: (root, at, mode, chunks, signal) =>
      limited(root, async () => {
        const temporaryName = `.casemate-${randomUUID()}`;
        const pending = await ask<PendingWrite>(root, { act: 'beginWrite', path: bytes(at), mode, temporaryName });
        try {
          for await (const chunk of chunks) await writeWhole(pending.fd, chunk);
          signal.throwIfAborted();
        } catch (error) {
          await ask(root, { act: 'abandonWrite', write: pending });
          throw systemError(error);
        }
        return await ask<FileEntry>(root, { act: 'commitWrite', write: pending });
      }),
    async [Symbol.asyncDispose]() {
      closing = true;
      await worker.terminate();
    },
  };
}

async function writeWhole(fd: number, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    const { bytesWritten } = await writeAsync(fd, chunk, at, chunk.length - at);
    at += bytesWritten;
  }
}

function systemError(error: unknown): unknown {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^E[A-Z]+$/.test(code) ? toError(code, String(error), false) : error;
}
