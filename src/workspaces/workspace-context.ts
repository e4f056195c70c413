import type { Access } from '#access/authorise.ts';
import type { Grant } from '#access/grant.ts';
import type { Audit } from '#audit/audit.ts';
import type { Clock } from '#base/clock.ts';
import type { TeamId, UserId, WorkspaceId } from '#base/ids.ts';
import type { Log } from '#channel/log.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Destination, DestinationSet } from '#contract/policy.ts';
import type { Database } from '#database/database.ts';
import type { Sandboxes } from '#sandboxes/sandboxes.ts';
import type { Warden } from '#sandboxes/warden-events.ts';
import type { WorkspaceHints } from '#sandboxes/workspace-hints.ts';

/** Where a workspace's files are inside its sandbox. */
export const workspaceDirectory = '/home/user/workspace';

/** What the operations on workspaces share. */
export interface WorkspaceContext {
  readonly database: Database;
  readonly access: Pick<Access, 'authorise'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly warden: Warden;
  readonly sandboxes: Sandboxes;
  readonly hints: WorkspaceHints;
  /** What the broker's named sets hold. */
  readonly sets: Readonly<Record<DestinationSet, readonly Destination[]>>;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: (bytes: Uint8Array) => Uint8Array;
  readonly workspacesPerTeam: number;
  /** How long a deleted workspace can be restored. */
  readonly undoMs: number;
  /** Workspaces whose remains could not be removed, to be tried when the warden is back. */
  readonly remains: Map<WorkspaceId, TeamId>;
}

export const noWorkspace = (): CasemateError => new CasemateError('not_found', 'There is no such workspace.');

/** The person behind a grant; `forbidden` for what no person asked for. */
export function personOf(grant: Grant): UserId {
  if ('userId' in grant.actor) return grant.actor.userId;
  throw new CasemateError('forbidden', 'Only a person or a key can do this.');
}
