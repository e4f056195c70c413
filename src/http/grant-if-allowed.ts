import type { Grant } from '#access/grant.ts';
import type { Permission } from '#contract/permissions.ts';
import type { RequestContext } from '#http/define-route.ts';
import type { PermissionAccess } from '#http/route-access.ts';

/** The proof for a further permission when the caller has it, else null; asking is no denial. */
export async function grantIfAllowed<P extends Permission>(
  context: Pick<RequestContext<PermissionAccess>, 'access' | 'actor' | 'address' | 'grant' | 'requestId'>,
  permission: P,
): Promise<Grant<P> | null> {
  const { access, actor, address, grant, requestId } = context;
  if (!(await access.permissionsOf(actor, grant.teamId)).includes(permission)) return null;
  return access.authorise(actor, permission, { teamId: grant.teamId, route: permission, requestId, address });
}
