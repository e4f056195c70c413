import { z } from 'zod';

const label = '(?!-)[a-z0-9_-]{1,63}(?<!-)';
/** A lower-case DNS name, a `*.` wildcard over one, an IPv4 address, or `[IPv6]`. */
const hostPattern = new RegExp(
  `^(?:(?:\\*\\.)?(?:${label}\\.)*${label}|\\d{1,3}(?:\\.\\d{1,3}){3}|\\[[0-9a-f:.]{2,45}\\])$`,
);

/** One destination: an exact name or `*.name` (any depth below it, not the name itself), and ports. */
export const destinationSchema = z.strictObject({
  host: z.string().min(1).max(255).regex(hostPattern),
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

/** Whether `host` (lower case, no trailing dot) and `port` are covered by `destination`. */
export function matchesDestination(destination: Destination, host: string, port: number): boolean {
  if (!destination.ports.includes(port)) return false;
  if (!destination.host.startsWith('*.')) return destination.host === host;
  const suffix = destination.host.slice(1);
  return host.length > suffix.length && host.endsWith(suffix);
}

export interface PolicyDecision {
  readonly allowed: boolean;
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
  if (denied) return { allowed: false, reason: `denied by ${denied.host}` };
  const named = policy.allow.find((destination) => matchesDestination(destination, host, port));
  if (named) return { allowed: true, reason: `allowed by ${named.host}` };
  for (const set of policy.sets) {
    const member = sets[set].find((destination) => matchesDestination(destination, host, port));
    if (member) return { allowed: true, reason: `allowed by set ${set}` };
  }
  return { allowed: false, reason: 'not in the policy' };
}
