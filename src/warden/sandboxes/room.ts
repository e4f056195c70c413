import type { TeamId } from '#base/ids.ts';
import type { WardenConfig } from '#config/process.ts';
import { CasemateError } from '#contract/errors.ts';
import { type Resources, resourcesSchema } from '#contract/warden.ts';

/**
 * Throws `quota_exceeded` unless one more sandbox may run beside those of `teams`, one entry for each
 * that runs, starts or ends: by its size, in all, and for its team (H5).
 */
export function requireRoomAmong(
  teams: readonly TeamId[],
  request: { readonly teamId: TeamId; readonly resources: Resources },
  config: Pick<WardenConfig, 'maximumResources' | 'maximumSandboxes' | 'limits'>,
): void {
  requireWithin(request.resources, config.maximumResources);
  if (teams.length >= config.maximumSandboxes) {
    throw new CasemateError('quota_exceeded', 'This server runs as many sandboxes as it may. Stop one first.');
  }
  if (teams.filter((teamId) => teamId === request.teamId).length >= config.limits.perTeam.sandboxes) {
    throw new CasemateError('quota_exceeded', 'The team runs as many sandboxes as this server allows one team.');
  }
}

function requireWithin(asked: Resources, maximum: Resources): void {
  for (const name of Object.keys(resourcesSchema.shape) as (keyof Resources)[]) {
    if (asked[name] > maximum[name]) {
      throw new CasemateError('quota_exceeded', 'The sandbox asks for more than this server allows.', {
        detail: { resource: name, maximum: maximum[name] },
      });
    }
  }
}
