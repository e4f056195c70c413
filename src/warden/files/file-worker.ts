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
export type FileReply = { readonly serial: number } & (
  | { readonly result: unknown }
  | { readonly code: string; readonly message: string; readonly known: boolean }
);

/** Removals per turn, between which other requests are served. */
const slice = 256;

async function perform(root: GuestRoot, work: FileAct): Promise<unknown> {
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
        setFileIdentity(uid, gid);
      }
      return undefined;
    }
  }
}

async function answer({ serial, root, work }: FileRequest): Promise<FileReply> {
  try {
    return { serial, result: await perform(root, work) };
  } catch (error) {
    const known = error instanceof CasemateError;
    const code = (error as { code?: unknown }).code;
    return {
      serial,
      known,
      code: typeof code === 'string' ? code : 'EUNKNOWN',
      message: known ? error.message : String(error),
    };
  }
}

keepIdentityCapabilitiesOnly();
parentPort?.on('message', (request: FileRequest) => {
  void answer(request).then((reply) => parentPort?.postMessage(reply));
});
