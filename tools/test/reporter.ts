import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

/** One line of JSON per finished test, marked so that it can be told from what tests print. */
export const mark = '\u001ecasemate-test ';

const kinds = { 'test:pass': 'pass', 'test:fail': 'fail' } as const;

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type === 'test:stdout' || event.type === 'test:stderr') yield event.data.message;
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { name, file, skip, details } = event.data;
    if (details.type === 'suite' && event.type === 'test:pass') continue;
    const skipped = skip !== undefined && skip !== false;
    const detail =
      event.type === 'test:fail' ? inspect(event.data.details.error.cause ?? event.data.details.error) : '';
    yield `\n${mark}${JSON.stringify({
      kind: skipped ? 'skip' : kinds[event.type],
      name,
      file: file ?? '',
      milliseconds: details.duration_ms,
      detail: skipped ? (typeof skip === 'string' ? skip : 'no reason was given') : detail,
    })}\n`;
  }
}
