import type { Brand } from '#base/brand.ts';

export type UserId = Brand<string, 'UserId'>;
export type TeamId = Brand<string, 'TeamId'>;
export type WorkspaceId = Brand<string, 'WorkspaceId'>;
export type SandboxId = Brand<string, 'SandboxId'>;
export type TerminalId = Brand<string, 'TerminalId'>;

/**
 * 20 characters of `a-z2-7` (100 bits). Lower case and without a hyphen, because an id is also a
 * label of a host name (`<port>-<sandbox id>.<domain>`) and a file name.
 */
export const idPattern = /^[a-z2-7]{20}$/;

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** Mints an id from `random`, which must fill the array from a cryptographic source. */
export function mintId<Id extends string>(random: (bytes: Uint8Array) => Uint8Array): Id {
  let id = '';
  for (const byte of random(new Uint8Array(20))) id += alphabet[byte & 31];
  return id as Id;
}

/** Returns `text` as an id, or undefined when it has not the form of one. */
export function parseId<Id extends string>(text: unknown): Id | undefined {
  return typeof text === 'string' && idPattern.test(text) ? (text as Id) : undefined;
}
