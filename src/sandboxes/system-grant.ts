import { mintActor, type SystemActor } from '#access/actor.ts';
import type { Access } from '#access/authorise.ts';
import type { Grant } from '#access/grant.ts';
import type { TeamId } from '#base/ids.ts';
import type { Permission } from '#contract/permissions.ts';

const server: SystemActor = mintActor<SystemActor>({ kind: 'system', process: 'server' });

/** The proof for what the server does by itself in a team, such as stopping what is idle. `task` names it. */
export function systemGrant<P extends Permission>(
  access: Pick<Access, 'authorise'>,
  teamId: TeamId,
  permission: P,
  task: string,
): Promise<Grant<P>> {
  return access.authorise(server, permission, { teamId, route: task, requestId: null, address: null });
}
