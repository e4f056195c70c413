import type { Clock } from '#base/clock.ts';

export interface RateLimit {
  /** Takes one; false when none is left. */
  take(): boolean;
}

/** A token bucket of `burst` tokens that refills by `perSecond`. */
export function createRateLimit(clock: Clock, burst: number, perSecond: number): RateLimit {
  let tokens = burst;
  let last = clock.now();
  return {
    take() {
      const now = clock.now();
      tokens = Math.min(burst, tokens + (Math.max(0, now - last) * perSecond) / 1000);
      last = now;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
