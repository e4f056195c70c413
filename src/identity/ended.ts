/** Tells those who hold something open under a credential that it has ended. */
export interface EndedSignal {
  /** `listener` gets the ids of sessions or keys, at once, before the act that ended them is answered. */
  onEnded(listener: (ids: readonly string[]) => void): () => void;
}

export function createEndedSignal(): EndedSignal & { emit(ids: readonly string[]): void } {
  const listeners = new Set<(ids: readonly string[]) => void>();
  return {
    onEnded(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    emit(ids) {
      if (ids.length > 0) for (const listener of listeners) listener(ids);
    },
  };
}
