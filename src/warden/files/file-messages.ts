/**
 * What the warden asks of the process that works on one sandbox's files, in frames of
 * contract/channel.ts. Paths are those of `guestPathBytes`, as base64. `read` answers with items
 * down, `write` takes items up; `ping` says that nothing hangs.
 */
export type FileAct =
  | { readonly act: 'ping' }
  | { readonly act: 'list'; readonly path: string; readonly limit: number }
  | { readonly act: 'stat' | 'makeDirectory'; readonly path: string }
  | { readonly act: 'remove'; readonly path: string }
  | { readonly act: 'read'; readonly path: string; readonly offset: number; readonly length: number }
  | {
      readonly act: 'write';
      readonly path: string;
      readonly mode: number;
      readonly durable: boolean;
      readonly temporaryName: string;
    }
  | { readonly act: 'removeTemporary'; readonly path: string; readonly temporaryName: string }
  | { readonly act: 'rename'; readonly path: string; readonly to: string };

/** Why an act failed: a code of the catalogue when `known`, else an errno's name. */
export interface FileFailure {
  readonly code: string;
  readonly message: string;
  readonly known: boolean;
}

/** Descriptors that the process starts with beside 0–2, and the call under which it says that it is shut in. */
export const fileProcess = { socketFd: 3, rootFd: 4, readyCall: 0 } as const;
