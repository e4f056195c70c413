import { processEgressKinds } from '#contract/broker.ts';
import type { Party } from '#broker/admission.ts';
import type { NamedDestination } from '#broker/destination.ts';

/** One of our own processes, by the destinations that the operator's configuration names (H12). */
export function processParty(process: string, destinations: readonly NamedDestination[]): Party {
  const named = new Set(destinations.map(({ host, port }) => `${host}:${port}`));
  return {
    name: { process },
    kinds: processEgressKinds,
    decide: ({ destination: { host, port } }) =>
      named.has(`${host}:${port}`)
        ? { allowed: true, rule: 'allow', reason: 'allowed by configuration' }
        : { allowed: false, rule: 'none', reason: 'not in the configuration' },
    describe: () => ({ process }),
    howToAllow: "Only the operator can allow it, in this server's configuration.",
  };
}
