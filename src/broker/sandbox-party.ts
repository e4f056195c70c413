import type { SandboxId, TeamId } from '#base/ids.ts';
import { egressKinds } from '#contract/broker.ts';
import type { Party } from '#broker/admission.ts';
import { type DestinationSets, decideEgress } from '#broker/decide-egress.ts';
import type { PolicyBinding, PolicyStore } from '#broker/policy-store.ts';

/** Whose traffic it is: a door belongs to one sandbox of one team. */
export interface DoorIdentity {
  readonly sandboxId: SandboxId;
  readonly teamId: TeamId;
}

/** A sandbox, by the policy that it has at the moment; without one nothing is allowed. */
export function sandboxParty(door: DoorIdentity, policies: PolicyStore, sets: DestinationSets): Party {
  const { sandboxId, teamId } = door;
  const binding = (): PolicyBinding | undefined => {
    const found = policies.get(sandboxId);
    return found?.teamId === teamId ? found : undefined;
  };
  return {
    name: { sandboxId },
    kinds: egressKinds,
    decide({ destination, credential }) {
      const bound = binding();
      if (!bound) return { allowed: false, rule: 'none', reason: 'no policy for this sandbox' };
      return decideEgress(bound.policy, sets, destination, credential);
    },
    describe: ({ credential }) => ({ sandboxId, teamId, workspaceId: binding()?.workspaceId ?? null, credential }),
    howToAllow:
      'Someone who may can allow it on the workspace page ("Allow for this workspace") or with `casemate policy`.',
  };
}
