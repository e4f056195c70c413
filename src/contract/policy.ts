import { z } from 'zod';
import { endsInNumber, isCanonicalHost } from '#contract/canonical-host.ts';

/** One destination: an exact name or `*.name` (any depth below it, not the name itself), and ports. */
export const destinationSchema = z.strictObject({
  host: z.string().min(1).max(255).refine(isCanonicalHost, 'not a host in its canonical form'),
  ports: z.array(z.number().int().min(1).max(65535)).min(1).max(16),
});
export type Destination = z.infer<typeof destinationSchema>;

/** Sets that the broker fills in from the server's own client configuration, or from a fixed list. */
export const destinationSets = ['git', 'npm', 'pypi', 'debian', 'models'] as const;
export type DestinationSet = (typeof destinationSets)[number];

/** What may leave a sandbox. Nothing that is not named may. */
export const policySchema = z.strictObject({
  sets: z.array(z.enum(destinationSets)).max(destinationSets.length),
  allow: z.array(destinationSchema).max(200),
  /** Refused even where a set or `allow` would let it through. */
  deny: z.array(destinationSchema).max(200),
});
export type Policy = z.infer<typeof policySchema>;

export const policyPresets = {
  coding: { sets: ['git', 'npm', 'pypi', 'debian', 'models'], allow: [], deny: [] },
  closed: { sets: [], allow: [], deny: [] },
} as const satisfies Record<string, Policy>;
export type PolicyPreset = keyof typeof policyPresets;

/** Whether `host` (in canonical form) and `port` are covered by `destination`. */
export function matchesDestination(destination: Destination, host: string, port: number): boolean {
  if (!destination.ports.includes(port)) return false;
  if (!destination.host.startsWith('*.')) return destination.host === host;
  if (endsInNumber(host)) return false;
  const suffix = destination.host.slice(1);
  return host.length > suffix.length && host.endsWith(suffix);
}

export interface PolicyDecision {
  readonly allowed: boolean;
  /** What decided: a rule that names the destination, a named set, or nothing at all. */
  readonly rule: 'deny' | 'allow' | 'set' | 'none';
  /** Why, for the journal and for people: the rule's own text. */
  readonly reason: string;
}

/** Decides by name and port, before any resolution. `sets` holds the destinations of the named sets. */
export function decidePolicy(
  policy: Policy,
  sets: Readonly<Record<DestinationSet, readonly Destination[]>>,
  host: string,
  port: number,
): PolicyDecision {
  const denied = policy.deny.find((destination) => matchesDestination(destination, host, port));
  if (denied) return { allowed: false, rule: 'deny', reason: `denied by ${denied.host}` };
  const named = policy.allow.find((destination) => matchesDestination(destination, host, port));
  if (named) return { allowed: true, rule: 'allow', reason: `allowed by ${named.host}` };
  for (const set of policy.sets) {
    const member = sets[set].find((destination) => matchesDestination(destination, host, port));
    if (member) return { allowed: true, rule: 'set', reason: `allowed by set ${set}` };
  }
  return { allowed: false, rule: 'none', reason: 'not in the policy' };
}
