import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Actor, type KeyActor, mintActor, type OperatorActor, stranger, type UserActor } from '#access/actor.ts';
import { createAccess } from '#access/authorise.ts';
import { assertGrant, type Grant } from '#access/grant.ts';
import type { AuditEntry } from '#audit/audit.ts';
import type { TeamId, UserId } from '#base/ids.ts';
import { permissions, type Role, roleCatalogue } from '#contract/permissions.ts';
import { isMintedScope } from '#database/tenant-scope.ts';

const team = 'a'.repeat(20) as TeamId;
const otherTeam = 'b'.repeat(20) as TeamId;
const userId = 'c'.repeat(20) as UserId;

function setup(role: Role | null = 'owner') {
  const entries: AuditEntry[] = [];
  let now = 0;
  const access = createAccess({
    roleOf: async (teamId) => (teamId === team ? role : null),
    audit: { record: async (entry) => void entries.push(entry) },
    clock: { now: () => now },
  });
  return { access, entries, pass: (ms: number) => (now += ms) };
}
const where = { teamId: team, route: 'test', requestId: 'r', address: '127.0.0.1' };
const user = mintActor<UserActor>({ kind: 'user', userId, teamId: team, sessionId: 's' });
const key = (scopes: readonly string[]): KeyActor =>
  mintActor<KeyActor>({ kind: 'key', keyId: 'k', userId, teamId: team, scopes });

test('a grant is frozen, carries a minted scope, and copies of it are refused', async () => {
  const { access } = setup();
  const grant = await access.authorise(user, 'workspace:read', where);
  assertGrant(grant, 'workspace:read');
  assert.ok(Object.isFrozen(grant));
  assert.ok(isMintedScope(grant.scope));
  assert.equal(grant.scope.userId, userId);
  for (const forged of [
    { ...grant },
    Object.create(grant),
    structuredClone({ ...grant, actor: null }),
    null,
    undefined,
    'x',
  ]) {
    assert.throws(() => assertGrant(forged, 'workspace:read'), TypeError);
  }
  assert.throws(() => assertGrant(grant as Grant, 'workspace:write'), TypeError);
});

test('an actor that nobody recognised is refused', async () => {
  const { access } = setup();
  for (const forged of [{ kind: 'operator' }, { ...user }, { kind: 'system', process: 'x' }] as Actor[]) {
    await assert.rejects(access.authorise(forged, 'workspace:read', where), TypeError);
  }
});

test('each role may do what its row says and nothing else', async () => {
  for (const role of Object.keys(roleCatalogue) as Role[]) {
    const { access } = setup(role);
    for (const permission of permissions) {
      const allowed = (roleCatalogue[role] as readonly string[]).includes(permission);
      const asked = access.authorise(user, permission, where);
      if (allowed) assertGrant(await asked, permission);
      else await assert.rejects(asked, { code: 'forbidden' });
    }
  }
});

test('a key may do what its scopes and the role of its owner now both allow', async () => {
  const viewer = setup('viewer').access;
  assert.deepEqual(await viewer.permissionsOf(key(['*']), team), roleCatalogue.viewer);
  assert.deepEqual(await viewer.permissionsOf(key(['key:write']), team), []);
  const owner = setup('owner').access;
  assert.deepEqual(await owner.permissionsOf(key(['audit:read']), team), ['audit:read']);
  assert.deepEqual(await setup(null).access.permissionsOf(key(['*']), team), []);
  assert.deepEqual(await owner.permissionsOf(key(['audit']), team), []);
});

test('a session or key of one team may do nothing in another', async () => {
  const { access, entries } = setup();
  await assert.rejects(access.authorise(user, 'workspace:read', { ...where, teamId: otherTeam }), {
    code: 'forbidden',
  });
  assert.equal(entries[0]?.event, 'access.denied');
  assert.equal(entries[0]?.chain, team, 'in the trail of who tried, not of whom it was tried on');
});

test('a denial is on record before the answer, and none is given when it cannot be', async () => {
  const access = createAccess({
    roleOf: async () => 'viewer',
    audit: { record: () => Promise.reject(new Error('the trail is full')) },
    clock: { now: () => 0 },
  });
  await assert.rejects(access.authorise(user, 'secret:write', where), /the trail is full/);
});

test('strangers do not grow the trail at will', async () => {
  const { access, entries, pass } = setup();
  const knock = () =>
    assert.rejects(access.authorise(stranger, 'workspace:read', { ...where, teamId: null }), { code: 'not_signed_in' });
  for (let count = 0; count < 50; count++) await knock();
  assert.equal(entries.length, 1);
  pass(61_000);
  await knock();
  assert.equal(entries.length, 2);
  assert.deepEqual(entries[1]?.fields, {
    permission: 'workspace:read',
    route: 'test',
    reason: 'not signed in; 49 more before',
  });
  assert.equal(entries[1]?.chain, 'instance');
});

test('the operator acts in a team without being one of its people', async () => {
  const { access } = setup();
  const grant = await access.authorise(mintActor<OperatorActor>({ kind: 'operator' }), 'key:write', where);
  assert.equal(grant.scope.userId, null);
});
