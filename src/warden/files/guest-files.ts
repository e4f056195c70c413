import { randomUUID } from 'node:crypto';
import type { GuestPath } from '#contract/common.ts';
import type { FileEntry } from '#contract/warden.ts';
import type { AskOptions } from '#warden/files/file-process.ts';
import { createFileProcesses, type FileProcessesOptions, type TeamRoot } from '#warden/files/file-processes.ts';
import type { FileAct } from '#warden/files/file-messages.ts';
import { guestPathBytes } from '#warden/files/guest-path.ts';

/** Work on a sandbox's files as its user, in a process that has no other power (H6). */
export interface GuestFiles extends AsyncDisposable {
  list(root: TeamRoot, at: GuestPath, limit: number): Promise<{ entries: FileEntry[]; truncated: boolean }>;
  stat(root: TeamRoot, at: GuestPath): Promise<FileEntry>;
  /** Hands at most `length` bytes from `offset` to `send`, in order; answers the file's size. */
  read(
    root: TeamRoot,
    at: GuestPath,
    range: { readonly offset: number; readonly length: number },
    send: (bytes: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<number>;
  /** Writes the chunks beside the target and renames them over it. A failure leaves the target as it was. */
  write(
    root: TeamRoot,
    at: GuestPath,
    options: { readonly mode: number; readonly durable: boolean },
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<FileEntry>;
  makeDirectory(root: TeamRoot, at: GuestPath): Promise<FileEntry>;
  rename(root: TeamRoot, at: GuestPath, to: GuestPath): Promise<void>;
  remove(root: TeamRoot, at: GuestPath): Promise<void>;
  /** Breaks off what is under way in the sandbox of a uid range; afterwards none of its files is open here. */
  end(firstUid: number): Promise<void>;
}

/** Starts nothing: a sandbox's process starts with the first work on its files, and ends when it is idle. */
export function createGuestFiles(options: FileProcessesOptions): GuestFiles {
  const processes = createFileProcesses(options);
  const bytes = (at: GuestPath): string => guestPathBytes(at).toString('base64');
  const ask = <Result>(root: TeamRoot, act: FileAct, more: AskOptions = {}): Promise<Result> =>
    processes.use(root, async (process, ended) => {
      const signal = more.signal ? AbortSignal.any([more.signal, ended]) : ended;
      return (await process.ask(act, { ...more, signal })) as Result;
    });

  return {
    list: async (root, at, limit) => ask(root, { act: 'list', path: bytes(at), limit }),
    stat: async (root, at) => ask(root, { act: 'stat', path: bytes(at) }),
    makeDirectory: async (root, at) => ask(root, { act: 'makeDirectory', path: bytes(at) }),
    async rename(root, at, to) {
      await ask(root, { act: 'rename', path: bytes(at), to: bytes(to) });
    },
    async remove(root, at) {
      await ask(root, { act: 'remove', path: bytes(at) });
    },
    async read(root, at, range, send, signal) {
      const act: FileAct = { act: 'read', path: bytes(at), ...range };
      return (await ask<{ size: number }>(root, act, { output: send, signal })).size;
    },
    write: async (root, at, { mode, durable }, chunks, signal) => {
      const path = bytes(at);
      const temporaryName = `.casemate-${randomUUID()}`;
      const act: FileAct = { act: 'write', path, mode, durable, temporaryName };
      return processes.use(root, async (process, ended) => {
        const over = AbortSignal.any([signal, ended]);
        try {
          return (await process.ask(act, { items: chunks, signal: over })) as FileEntry;
        } catch (error) {
          if (process.lost) processes.leftBehind(root, { path, temporaryName });
          throw error;
        }
      });
    },
    end: (firstUid) => processes.end(firstUid),
    [Symbol.asyncDispose]: () => processes[Symbol.asyncDispose](),
  };
}
