import type { Clock } from '#base/clock.ts';
import type { Audit } from '#audit/audit.ts';

/** What a stranger was refused at one route. */
export interface StrangerDenial {
  readonly permission: string;
  readonly route: string;
  readonly requestId: string | null;
  readonly address: string | null;
}

const windowMs = 60_000;

/**
 * Records refusals of strangers, who must not grow the trail at will (H8): the first at a route at
 * once, those of the following minute as one event with their number, when the next one comes.
 */
export function createStrangerDenials({
  audit,
  clock,
}: {
  readonly audit: Pick<Audit, 'record'>;
  readonly clock: Clock;
}): (denial: StrangerDenial) => Promise<void> {
  const open = new Map<string, { until: number; suppressed: number }>();
  return async ({ permission, route, requestId, address }) => {
    const now = clock.now();
    const window = open.get(route);
    if (window && now < window.until) {
      window.suppressed += 1;
      return;
    }
    // Taken before the write: two at once are not both the first.
    open.set(route, { until: now + windowMs, suppressed: 0 });
    const earlier = window?.suppressed ?? 0;
    await audit.record({
      event: 'access.denied',
      chain: 'instance',
      actor: { kind: 'stranger' },
      outcome: 'denied',
      requestId,
      address,
      fields: {
        permission,
        route,
        reason: earlier > 0 ? `not signed in; ${earlier} more before` : 'not signed in',
      },
    });
  };
}
