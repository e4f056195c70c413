import type { z } from 'zod';

const keepAliveMs = 15_000;

/** Items as server-sent events (HTML, section 9.2), with a comment when nothing else keeps the connection alive. */
export async function* eventStream(
  items: AsyncIterable<unknown>,
  schema: z.ZodType,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const iterator = items[Symbol.asyncIterator]();
  const aborted = new Promise<'aborted'>((resolve) => {
    if (signal.aborted) resolve('aborted');
    else signal.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
  try {
    yield ': open\n\n';
    let next = iterator.next();
    for (;;) {
      const idle = Promise.withResolvers<'idle'>();
      const timer = setTimeout(() => idle.resolve('idle'), keepAliveMs);
      const result = await Promise.race([next, idle.promise, aborted]);
      clearTimeout(timer);
      if (result === 'aborted') {
        // Nobody waits for it any more; whoever made the items hears of the abort by the signal.
        next.catch(() => undefined);
        return;
      }
      if (result === 'idle') {
        yield ': still here\n\n';
        continue;
      }
      if (result.done) return;
      yield `data: ${JSON.stringify(schema.parse(result.value))}\n\n`;
      next = iterator.next();
    }
  } finally {
    void iterator.return?.(undefined);
  }
}
