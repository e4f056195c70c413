import type { Access } from '#access/authorise.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Guarded } from '#http/guard.ts';
import type { StillAllowed } from '#http/live-requests.ts';

/** Compares what the actor may do now with what they might when this was called. */
export function watchPermissions(access: Access, { actor, grant }: Guarded): StillAllowed {
  if (!grant) return async () => true;
  const look = async (): Promise<string> => (await access.permissionsOf(actor, grant.teamId)).join(' ');
  const before = look();
  // Heard of at the next look, where it counts as changed.
  before.catch(() => undefined);
  return async () => (await look()) === (await before);
}

/** Refuses what was sent slowly, under a session or key that ended before the last byte came. */
export async function assertStillLive({ credential }: Guarded): Promise<void> {
  if (credential && !(await credential.isLive())) throw new CasemateError('not_signed_in');
}
