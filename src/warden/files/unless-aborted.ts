/** What `promise` resolves to, unless `signal` aborts first; then its reason is thrown. */
export function unlessAborted<Result>(signal: AbortSignal | undefined, promise: Promise<Result>): Promise<Result> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
