/** Lets a fixed number of asynchronous tasks run at once; others wait in the order they came. */
export interface Gate {
  run<Result>(task: () => Promise<Result>): Promise<Result>;
}

export function createGate(places: number): Gate {
  const waiting: (() => void)[] = [];
  let free = places;
  return {
    async run(task) {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await task();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else free += 1;
      }
    },
  };
}
