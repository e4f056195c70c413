import { CasemateError } from '#contract/errors.ts';

/** Lets `concurrency` of the work through at a time, keeps `queue` more waiting, and refuses the rest. */
export function createTurnstile({ concurrency, queue }: { readonly concurrency: number; readonly queue: number }) {
  let inside = 0;
  const waiting: (() => void)[] = [];

  return async function pass<Result>(work: () => Promise<Result>): Promise<Result> {
    if (inside >= concurrency) {
      if (waiting.length >= queue) {
        throw new CasemateError('rate_limited', undefined, { detail: { retryAfterSeconds: 5 } });
      }
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
      });
    } else {
      inside += 1;
    }
    try {
      return await work();
    } finally {
      // The place is handed on, not given back, so that nobody slips in between.
      const next = waiting.shift();
      if (next) next();
      else inside -= 1;
    }
  };
}
