import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Confinement, parseConfinement } from '#config/confinement.ts';

const right: Confinement = {
  program: ['/x/server.ts', '/x/server.json'],
  youngMiB: 4,
  uid: 1,
  gid: 1,
  environment: { LANG: 'C' },
  deathSignal: null,
  network: 'own',
  readable: ['/x'],
  writable: [],
  resolvesNames: false,
  startsHolders: false,
  connects: [5432],
};

test('H4 a confinement is read as it was written', () => {
  assert.deepEqual(parseConfinement(JSON.stringify(right)), right);
});

test('H4 a confinement that is not whole, or says more, starts nothing', () => {
  for (const name of Object.keys(right)) {
    const { [name as keyof Confinement]: _, ...rest } = right;
    assert.throws(() => parseConfinement(JSON.stringify(rest)), new RegExp(name));
  }
  const wrong: Record<string, unknown> = {
    ...{ program: ['server.ts'], uid: 0, gid: 0.5, environment: { A: 1 }, deathSignal: 'SIGHUP', network: 'all' },
    ...{ youngMiB: 0.5, readable: ['x'], writable: [1], resolvesNames: 1, startsHolders: null, connects: [0] },
  };
  for (const [name, value] of Object.entries(wrong)) {
    assert.throws(() => parseConfinement(JSON.stringify({ ...right, [name]: value })), new RegExp(name));
  }
  assert.throws(() => parseConfinement(JSON.stringify({ ...right, landlock: false })), /not known/);
});
