/** Runs work for one key in order of arrival; different keys run side by side. A failure stays with its caller. */
export interface KeyedQueue<Key> {
  run<Result>(key: Key, work: () => Promise<Result>): Promise<Result>;
}

export function createKeyedQueue<Key>(): KeyedQueue<Key> {
  const tails = new Map<Key, Promise<unknown>>();
  return {
    run(key, work) {
      const before = tails.get(key) ?? Promise.resolve();
      const result = before.then(work, work);
      // The tail only orders; whoever called `run` hears of the failure.
      const tail = result.then(
        () => undefined,
        () => undefined,
      );
      tails.set(key, tail);
      return result.finally(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
    },
  };
}
