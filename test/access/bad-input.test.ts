import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import type { Route } from '#http/define-route.ts';
import { routeTable } from '#http/route-table.ts';
import { randomId } from '#identity/random-id.ts';
import { setUp, type Visitor } from './support/people.ts';
import type { Answer } from './support/request.ts';
import { sampleBodies } from './support/samples.ts';
import { awkwardValues, sharedLists } from './support/shared-lists.ts';
import { startServer, type TestServer } from './support/start-server.ts';

const routes = routeTable.filter((entry): entry is Route => entry.kind === 'route');
const nameOf = (route: Route): string => `${route.method} ${route.path}`;
/** Of one list beside our own values; the whole of it goes through every text field of `deep`. */
const listed = sharedLists();
/** Where what is refused costs least, so that every string of the lists is tried. */
const deep = new Set(['POST /api/v1/keys', 'PATCH /api/v1/workspaces/:workspaceId', 'GET /api/v1/audit']);

let server: TestServer;
let owner: Visitor;
const counts = { requests: 0 };

before(async () => {
  server = await startServer({ rateLimit: { windowMs: 60_000, maximum: 1_000_000 } });
  owner = await setUp(server);
});
after(() => server[Symbol.asyncDispose]());

const fieldsOf = (schema: z.ZodType | undefined): string[] => {
  if (!schema) return [];
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as {
    properties?: object;
  };
  return Object.keys(properties);
};
const valuesFor = (route: Route): readonly unknown[] => {
  const strings = listed ?? [];
  return [...awkwardValues, ...(deep.has(nameOf(route)) ? strings : strings.filter((_, index) => index % 25 === 0))];
};

/** No answer may be the server's own fault; 503 is right where the warden or the broker would be needed. */
function assertClear(answer: Answer, what: string, value: unknown): void {
  counts.requests += 1;
  const shown = `${what} = ${JSON.stringify(value)?.slice(0, 60)}: ${answer.status} ${answer.text.slice(0, 300)}`;
  assert.ok(answer.status < 500 || (answer.status === 503 && answer.json.code === 'unavailable'), shown);
  if (answer.status < 400) return;
  assert.match(String(answer.headers['content-type']), /^application\/problem\+json/, shown);
  assert.ok(!/node_modules|\/src\/|select |postgres/i.test(answer.text), `internals: ${shown}`);
  if (typeof value === 'string' && value.length > 7 && /[<'"%;\\$]/.test(value)) {
    assert.ok(!answer.text.includes(JSON.stringify(value).slice(1, -1)), `the input comes back: ${shown}`);
  }
}

async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<void>, lanes = 4): Promise<void> {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
    }),
  );
}

const fill = (path: string, of: Record<string, string> = {}): string =>
  path.replace(/:([A-Za-z]+)/g, (_, name: string) => of[name] ?? (name === 'name' ? 'sample' : randomId()));

describe('bad input gets a clear answer', () => {
  if (listed === null) test('the public lists', (t) => t.skip('set CASEMATE_SHARED to the folder that holds lists/'));

  for (const route of routes) {
    // Signing the test's own session out would end it; it takes no input.
    if (nameOf(route) === 'DELETE /api/v1/session') continue;
    const endless = route.reply.kind === 'events';

    test(`${nameOf(route)}`, { timeout: 120_000 }, async () => {
      const sample = sampleBodies[nameOf(route)] as Record<string, unknown> | undefined;
      // What is right reaches for the broker, which is not there, and waits a while for it.
      const lanes = route.path.startsWith('/api/v1/secrets') ? 32 : 4;
      const values = valuesFor(route).map((value) => ({ value }));
      for (const field of fieldsOf(route.body)) {
        await inParallel(
          values,
          async ({ value }) => {
            const answer = await owner.send(route.method, fill(route.path), { ...sample, [field]: value });
            assertClear(answer, `body.${field}`, value);
          },
          lanes,
        );
      }
      if (route.body) {
        await inParallel(
          [{ ...sample, extra: 1 }, [], [sample], 'text', 7, JSON.parse('{"__proto__":{"x":1}}')] as unknown[],
          async (body) => assertClear(await owner.send(route.method, fill(route.path), body), 'body', body),
        );
      }
      for (const field of fieldsOf(route.query)) {
        await inParallel(values, async ({ value }) => {
          const text = typeof value === 'string' ? value.toWellFormed() : JSON.stringify(value);
          if (endless) return;
          const query = `${encodeURIComponent(field)}=${encodeURIComponent(text)}`;
          assertClear(await owner.send(route.method, `${fill(route.path)}?${query}`, sample), `query.${field}`, value);
          assertClear(
            await owner.send(route.method, `${fill(route.path)}?${query}&${query}`, sample),
            `query.${field} twice`,
            value,
          );
        });
      }
      for (const field of fieldsOf(route.params)) {
        await inParallel(values, async ({ value }) => {
          const text = typeof value === 'string' ? value.toWellFormed() : JSON.stringify(value);
          if (text.length > 1000) return;
          const path = fill(route.path, { [field]: encodeURIComponent(text) });
          assertClear(await owner.send(route.method, path, sample), `path.${field}`, value);
        });
        for (const odd of ['%', '%zz', '%c3%28', '%2e%2e', '..', '.', 'a%2fb', '%00']) {
          assertClear(await owner.send(route.method, fill(route.path, { [field]: odd }), sample), `path.${field}`, odd);
        }
      }
      if (route.idempotent) {
        for (const key of ['', ' ', 'x'.repeat(129), 'é', 'a b']) {
          const answer = await owner.send(route.method, fill(route.path), sample, {
            'idempotency-key': Buffer.from(key).toString('latin1'),
          });
          assertClear(answer, 'Idempotency-Key', key);
        }
      }
    });
  }

  test('cursors of other lists, and made-up ones, are refused', async () => {
    const cursors = [
      'x',
      'MTIz',
      '999999999999999999999',
      '-1',
      '1.5',
      Buffer.from('999999999999999.abc').toString('base64url'),
      Buffer.from('253402300800000.abc').toString('base64url'),
      Buffer.from("1.'").toString('base64url'),
    ];
    for (const list of routes.filter((route) => fieldsOf(route.query).includes('cursor'))) {
      for (const cursor of cursors) {
        assertClear(
          await owner.send('GET', `${fill(list.path)}?cursor=${encodeURIComponent(cursor)}`),
          `${list.path} cursor`,
          cursor,
        );
      }
    }
  });

  test('much was tried, and the session still stands', async () => {
    assert.ok(counts.requests > (listed === null ? 500 : 2_000), `${counts.requests} requests`);
    const session = await owner.send('GET', '/api/v1/session');
    assert.notEqual(session.json['user'], null);
    console.log(`${counts.requests} requests with bad input`);
  });
});
