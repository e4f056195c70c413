import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineRoute } from '#http/define-route.ts';
import { defineSocket } from '#http/define-socket.ts';
import { publicRoute } from '#http/public-route.ts';
import { empty } from '#http/replies.ts';
import { requires } from '#http/route-access.ts';

const rest = { method: 'GET', path: '/x', summary: 'x', reply: empty, handler: () => undefined } as const;

test('a route that does not state its access does not start', () => {
  for (const access of [
    undefined,
    null,
    true,
    {},
    { kind: 'everyone' },
    { kind: 'permission' },
    { kind: 'permission', permission: 'workspace:fly' },
    { kind: 'public' },
    publicRoute(''),
  ]) {
    assert.throws(
      () => defineRoute({ ...rest, access: access as ReturnType<typeof requires> }),
      /does not state its access/,
    );
    const socket = {
      path: '/x',
      summary: 'x',
      subprotocol: 'x',
      maximumMessageBytes: 1,
      handler: async () => undefined,
    } as const;
    assert.throws(
      () => defineSocket({ ...socket, access: access as ReturnType<typeof requires> }),
      /does not state its access/,
    );
  }
});

test('a route is frozen: nobody opens it later', () => {
  const route = defineRoute({ ...rest, access: requires('workspace:read') });
  assert.throws(() => Object.assign(route, { access: publicRoute('why not') }), TypeError);
  assert.throws(() => Object.assign(route.access, { permission: 'system:read' }), TypeError);
});
