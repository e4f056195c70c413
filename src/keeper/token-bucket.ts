/** A rate with a burst: tokens come steadily, and as many as `burst` are kept for later. */
export interface TokenBucket {
  /** Whether something may be taken now; once it was not, not before a little has gathered again. */
  mayTake(): boolean;
  /** Takes what was used already, below zero too. */
  take(tokens: number): void;
  /** For how long the rate has been what limits; 0 once a tenth of the burst has gathered. */
  limitedForMs(): number;
}

/** So much of a second's tokens must have gathered before a wait ends, so that it is worth going on. */
const worthwhile = 0.05;

export function createTokenBucket(of: {
  readonly perSecond: number;
  readonly burst: number;
  /** Milliseconds. */
  readonly now: () => number;
}): TokenBucket {
  let tokens = of.burst;
  let at = of.now();
  let waits = false;
  let limitedSince: number | undefined;

  const refill = (): void => {
    const now = of.now();
    tokens = Math.min(of.burst, tokens + ((now - at) / 1000) * of.perSecond);
    at = now;
    if (tokens >= of.burst * 0.1) limitedSince = undefined;
  };

  return {
    mayTake() {
      refill();
      if (waits ? tokens < Math.min(of.perSecond * worthwhile, of.burst) : tokens <= 0) {
        limitedSince ??= at;
        waits = true;
      } else waits = false;
      return !waits;
    },
    take(taken) {
      refill();
      tokens -= taken;
    },
    limitedForMs() {
      refill();
      return limitedSince === undefined ? 0 : at - limitedSince;
    },
  };
}
