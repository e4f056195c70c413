/** Runs acts with the same key one after the other, in the order in which they were asked for. */
export type InTurn = <Result>(key: string, act: () => Promise<Result>) => Promise<Result>;

/** A failed act does not hold up those that wait behind it. */
export function createTurns(): InTurn {
  const turns = new Map<string, Promise<unknown>>();
  return async (key, act) => {
    const before = turns.get(key) ?? Promise.resolve();
    const result = before.then(act);
    const settled = result.catch(() => undefined);
    turns.set(key, settled);
    try {
      return await result;
    } finally {
      if (turns.get(key) === settled) turns.delete(key);
    }
  };
}
