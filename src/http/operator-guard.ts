import { mintActor, type OperatorActor } from '#access/actor.ts';
import type { Access } from '#access/authorise.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Roles } from '#identity/roles.ts';
import type { Guard } from '#http/guard.ts';

/** The guard of the admin socket: everybody there is the operator, who acts in the first owner's team. */
export function createOperatorGuard({ access, roles }: { readonly access: Access; readonly roles: Roles }): Guard {
  const actor = mintActor<OperatorActor>({ kind: 'operator' });
  return async (of, request) => {
    if (of.access.kind === 'public') return { actor, grant: undefined, credential: null };
    if (of.access.kind === 'signed-in') throw new CasemateError('forbidden', 'This needs a person');
    const owner = await roles.firstOwner();
    if (!owner) throw new CasemateError('conflict', 'There is no owner yet; finish set-up first');
    const grant = await access.authorise(actor, of.access.permission, {
      teamId: owner.teamId,
      route: `admin ${of.name}`,
      requestId: request.id,
      address: null,
    });
    return { actor, grant, credential: null };
  };
}
