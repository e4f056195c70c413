import { randomUUID } from 'node:crypto';
import { close, closeSync, read, write } from 'node:fs';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { GuestPath } from '#contract/common.ts';
import { CasemateError, type ErrorCode } from '#contract/errors.ts';
import type { FileEntry } from '#contract/warden.ts';
import { duplicate } from '#kernel/duplicate.ts';
import type { FileAct, FileCancel, FileReply, FileRequest } from '#warden/files/file-worker.ts';
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
  /** Breaks off what is under way in the sandbox of a uid range; afterwards none of its files is open here. */
  end(firstUid: number): Promise<void>;
}

interface UnderWay {
  readonly ending: AbortController;
  readonly done: Promise<unknown>;
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
  const underWay = new Map<number, Set<UnderWay>>();
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

  const ask = async <Result>(root: GuestRoot, work: FileAct, signal?: AbortSignal): Promise<Result> => {
    serial += 1;
    const request: FileRequest = { serial, root: { rootFd: root.rootFd, firstUid: root.firstUid }, work };
    const cancel = (): void => worker.postMessage({ cancel: request.serial } satisfies FileCancel);
    signal?.addEventListener('abort', cancel);
    const reply = await new Promise<FileReply>((resolve) => {
      waiting.set(request.serial, resolve);
      worker.postMessage(request);
    });
    signal?.removeEventListener('abort', cancel);
    if ('result' in reply) return reply.result as Result;
    throw toError(reply.code, reply.message, reply.known);
  };
  /**
   * Works on a copy of the root's descriptor: the sandbox may end meanwhile, and the number pass to
   * the root of another.
   */
  const limited = <Result>(
    root: GuestRoot,
    act: (root: GuestRoot, signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> => {
    const acts = underWay.get(root.firstUid) ?? new Set();
    if (acts.size >= maximumPerSandbox) {
      throw new CasemateError('rate_limited', 'Too many file operations run in this sandbox. Try again.');
    }
    const ending = new AbortController();
    const held = { rootFd: duplicate(root.rootFd), firstUid: root.firstUid };
    const done = act(held, ending.signal).finally(() => {
      closeSync(held.rootFd);
      acts.delete(one);
      if (acts.size === 0) underWay.delete(root.firstUid);
    });
    const one: UnderWay = { ending, done };
    acts.add(one);
    underWay.set(root.firstUid, acts);
    return done;
  };
  const bytes = guestPathBytes;

  return {
    list: async (root, at, limit) => limited(root, (held) => ask(held, { act: 'list', path: bytes(at), limit })),
    stat: async (root, at) => limited(root, (held) => ask(held, { act: 'stat', path: bytes(at) })),
    makeDirectory: async (root, at) => limited(root, (held) => ask(held, { act: 'makeDirectory', path: bytes(at) })),
    rename: async (root, at, to) =>
      limited(root, (held) => ask(held, { act: 'rename', path: bytes(at), to: bytes(to) })),
    remove: async (root, at) => limited(root, (held, ended) => ask(held, { act: 'remove', path: bytes(at) }, ended)),
    read: async (root, at, range, send, signal) =>
      limited(root, async (held, ended) => {
        const { fd, size } = await ask<{ fd: number; size: number }>(held, { act: 'read', path: bytes(at) });
        const over = AbortSignal.any([signal, ended]);
        try {
          let { offset, length } = range;
          while (length > 0) {
            over.throwIfAborted();
            const buffer = Buffer.allocUnsafe(Math.min(length, chunkBytes));
            const { bytesRead } = await readAsync(fd, buffer, 0, buffer.length, offset);
            if (bytesRead === 0) break;
            await unlessAborted(over, send(buffer.subarray(0, bytesRead)));
            offset += bytesRead;
            length -= bytesRead;
          }
          return size;
        } finally {
          await closeAsync(fd);
        }
      }),
    write: async (root, at, mode, chunks, signal) =>
      limited(root, async (held, ended) => {
        const temporaryName = `.casemate-${randomUUID()}`;
        const begin: FileAct = { act: 'beginWrite', path: bytes(at), mode, temporaryName };
        const pending = await ask<PendingWrite>(held, begin);
        const over = AbortSignal.any([signal, ended]);
        const source = chunks[Symbol.asyncIterator]();
        try {
          for (;;) {
            const next: IteratorResult<Uint8Array, unknown> = await unlessAborted(over, source.next());
            if (next.done) break;
            await writeWhole(pending.fd, next.value);
          }
          over.throwIfAborted();
        } catch (error) {
          // Not awaited: what the caller still sends may never come.
          source.return?.().catch(() => undefined);
          await ask(held, { act: 'abandonWrite', write: pending });
          throw systemError(error);
        }
        return await ask<FileEntry>(held, { act: 'commitWrite', write: pending });
      }),
    async end(firstUid) {
      const acts = [...(underWay.get(firstUid) ?? [])];
      for (const { ending } of acts) ending.abort(new CasemateError('cancelled', 'The sandbox was stopped.'));
      await Promise.allSettled(acts.map(({ done }) => done));
    },
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

/** What `promise` resolves to, unless `signal` aborts first; then its reason is thrown. */
function unlessAborted<Result>(signal: AbortSignal, promise: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
