import { lookup } from 'node:dns/promises';
import { type Clock, systemClock } from '#base/clock.ts';
import type { NamedDestination } from '#broker/destination.ts';
import { guardedKind, hostAddresses } from '#broker/address-guard.ts';
import { Refusal } from '#broker/refusal.ts';

/** Every address of a name, in the resolver's order; injected so that a hostile resolver can be tested. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/** The system's resolver: the host's own resolv.conf and hosts file rule. */
export const systemLookup: Lookup = async (name) => {
  const found = await lookup(name, { all: true, order: 'verbatim' });
  return found.map((entry) => entry.address);
};

export interface Resolver {
  /**
   * The addresses that may be dialled, checked against the address guard (H13); at most eight.
   *
   * @throws Refusal 403 when none may be, 502 when the name does not resolve, 504 when it takes too long
   */
  resolve(destination: NamedDestination): Promise<readonly string[]>;
  /** Whether the operator excepted this destination from the guard, by the name or literal as asked. */
  isException(destination: NamedDestination): boolean;
}

export interface ResolverOptions {
  readonly lookup: Lookup;
  readonly exceptions: readonly NamedDestination[];
  readonly ownAddresses?: () => readonly string[];
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

const maximumAddresses = 8;
/** Names whose addresses are remembered, and for how long: a package manager asks for one name hundreds of times. */
const maximumRemembered = 500;
const rememberedMs = 5000;

/** Makes the resolver of one broker. */
export function createResolver(options: ResolverOptions): Resolver {
  const { lookup: find, ownAddresses = hostAddresses, timeoutMs = 10_000, clock = systemClock } = options;
  const excepted = new Set(options.exceptions.map(({ host, port }) => `${host}:${port}`));
  const isException = ({ host, port }: NamedDestination): boolean => excepted.has(`${host}:${port}`);

  const remembered = new Map<string, { readonly until: number; readonly found: Promise<readonly string[]> }>();

  /** One look-up at a time for a name, however many ask; failures are not remembered. The guard judges anew each time. */
  const lookUp = (name: string): Promise<readonly string[]> => {
    const known = remembered.get(name);
    if (known && clock.now() < known.until) return known.found;
    const found = find(name);
    if (remembered.size >= maximumRemembered) remembered.clear();
    const entry = { until: clock.now() + rememberedMs, found };
    remembered.set(name, entry);
    found.catch(() => {
      if (remembered.get(name) === entry) remembered.delete(name);
    });
    return found;
  };

  const addressesOf = async ({ host, literal }: NamedDestination): Promise<readonly string[]> => {
    if (literal !== null) return [literal];
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Refusal(504, 'name resolution timed out', `${host} could not be resolved in time`)),
      timeoutMs,
    );
    try {
      return await Promise.race([lookUp(host), late]);
    } catch (error) {
      if (error instanceof Refusal) throw error;
      throw new Refusal(502, 'name does not resolve', `${host} does not resolve to an address`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    isException,
    async resolve(destination) {
      const addresses = await addressesOf(destination);
      if (isException(destination)) return addresses.slice(0, maximumAddresses);
      const own = ownAddresses();
      const judged = addresses.map((address) => ({ address, kind: guardedKind(address, own) }));
      const open = judged.filter(({ kind }) => kind === undefined).map(({ address }) => address);
      if (open.length > 0) return open.slice(0, maximumAddresses);
      const kind = judged[0]?.kind ?? 'no address';
      throw new Refusal(
        403,
        `address guard: ${kind}`,
        `refused ${destination.host}:${destination.port}: it is not a public address (${kind}). Only the operator ` +
          'of this server can make an exception, with CASEMATE_PRIVATE_DESTINATIONS.',
      );
    },
  };
}
