import type { CredentialKind } from '#contract/broker.ts';
import {
  decidePolicy,
  type Destination,
  type DestinationSet,
  type Policy,
  type PolicyDecision,
} from '#contract/policy.ts';
import type { NamedDestination } from '#broker/destination.ts';

export type DestinationSets = Readonly<Record<DestinationSet, readonly Destination[]>>;

/** The set that opens a credential endpoint wherever its base URL points, such as a company's gateway. */
const endpointSets = { anthropic: 'models', openai: 'models', git: 'git' } as const satisfies Record<
  CredentialKind,
  DestinationSet
>;

/**
 * Decides by name and port. A credential endpoint is also allowed by its set, because the team chose
 * its base URL when it stored the secret; a `deny` rule stands above both.
 */
export function decideEgress(
  policy: Policy,
  sets: DestinationSets,
  { host, port }: NamedDestination,
  credential: CredentialKind | null,
): PolicyDecision {
  const decision = decidePolicy(policy, sets, host, port);
  if (decision.allowed || decision.rule === 'deny' || credential === null) return decision;
  const set = endpointSets[credential];
  if (!policy.sets.includes(set)) return decision;
  return { allowed: true, rule: 'set', reason: `allowed by set ${set}` };
}
