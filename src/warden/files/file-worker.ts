import { parentPort } from 'node:worker_threads';
import { CasemateError } from '#contract/errors.ts';
import { keepIdentityCapabilitiesOnly, setFileIdentity } from '#kernel/thread-identity.ts';
import {
  abandonWrite,
  beginWrite,
  commitWrite,
  type GuestRoot,
  listDirectory,
  makeDirectory,
  openForReading,
  type PendingWrite,
  removeFile,
  renameFile,
  statFile,
} from '#warden/files/file-work.ts';
import { guestUser } from '#warden/guest-user.ts';

/** What the thread for files is asked; paths are those of `guestPathBytes`. */
export type FileAct =
  | { readonly act: 'list'; readonly path: Uint8Array; readonly limit: number }
  | { readonly act: 'stat' | 'read' | 'makeDirectory' | 'remove'; readonly path: Uint8Array }
  | { readonly act: 'beginWrite'; readonly path: Uint8Array; readonly mode: number; readonly temporaryName: string }
  | { readonly act: 'commitWrite' | 'abandonWrite'; readonly write: PendingWrite }
  | { readonly act: 'rename'; readonly path: Uint8Array; readonly to: Uint8Array };
export type FileRequest = { readonly serial: number; readonly root: GuestRoot; readonly work: FileAct };
/** Ends a removal under way. Everything else is over before it could be heard. */
export type FileCancel = { readonly cancel: number };
export type FileReply = { readonly serial: number } & (
  | { readonly result: unknown }
  | { readonly code: string; readonly message: string; readonly known: boolean }
);

/** Removals per turn, between which other requests are served. */
const slice = 256;

const running = new Set<number>();
const cancelled = new Set<number>();

async function perform(serial: number, root: GuestRoot, work: FileAct): Promise<unknown> {
  const uid = root.firstUid + guestUser.uid;
  const gid = root.firstUid + guestUser.gid;
  setFileIdentity(uid, gid);
  switch (work.act) {
    case 'list':
      return listDirectory(root, Buffer.from(work.path), work.limit);
    case 'stat':
      return statFile(root, Buffer.from(work.path));
    case 'read':
      return openForReading(root, Buffer.from(work.path));
    case 'makeDirectory':
      return makeDirectory(root, Buffer.from(work.path));
    case 'rename':
      return renameFile(root, Buffer.from(work.path), Buffer.from(work.to));
    case 'beginWrite':
      return beginWrite(root, Buffer.from(work.path), work.mode, work.temporaryName);
    case 'commitWrite':
      return commitWrite(root, { ...work.write, name: Buffer.from(work.write.name) });
    case 'abandonWrite':
      return abandonWrite(work.write);
    case 'remove': {
      let steps = 0;
      for (const _ of removeFile(root, Buffer.from(work.path))) {
        steps += 1;
        if (steps % slice !== 0) continue;
        await new Promise((resolve) => setImmediate(resolve));
        if (cancelled.has(serial)) throw new CasemateError('cancelled', 'The rest was not removed.');
        setFileIdentity(uid, gid);
      }
      return undefined;
    }
  }
}

async function answer({ serial, root, work }: FileRequest): Promise<FileReply> {
  running.add(serial);
  try {
    return { serial, result: await perform(serial, root, work) };
  } catch (error) {
    const known = error instanceof CasemateError;
    const code = (error as { code?: unknown }).code;
    return {
      serial,
      known,
      code: typeof code === 'string' ? code : 'EUNKNOWN',
      message: known ? error.message : String(error),
    };
  } finally {
    running.delete(serial);
    cancelled.delete(serial);
  }
}

keepIdentityCapabilitiesOnly();
parentPort?.on('message', (request: FileRequest | FileCancel) => {
  if ('cancel' in request) {
    if (running.has(request.cancel)) cancelled.add(request.cancel);
    return;
  }
  void answer(request).then((reply) => parentPort?.postMessage(reply));
});
