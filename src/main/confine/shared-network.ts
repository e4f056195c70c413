import type { Confinement } from '#config/confinement.ts';
import { landlockVersion } from '#kernel/landlock.ts';

/** The version of Landlock that knows TCP ports. */
const knowsPorts = 4;

/** What a server that reaches its database over TCP gives up, in words for the operator. */
export function sharedNetwork({ connects }: Pick<Confinement, 'connects'>): string {
  const port = Array.isArray(connects) ? connects.join(', ') : 'any';
  return landlockVersion() >= knowsPorts
    ? `the database is reached over TCP, so the server shares the host's network; Landlock lets it connect to port ${port} only`
    : "the database is reached over TCP, so the server shares the host's network, and this kernel's Landlock cannot bound where it connects";
}
