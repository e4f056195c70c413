import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import type { SandboxId, TeamId } from '#base/ids.ts';
import { CasemateError } from '#contract/errors.ts';
import type { JournalRecord } from '#contract/journal.ts';
import type { Policy } from '#contract/policy.ts';
import { type AdmissionLimits, createAdmission, defaultAdmissionLimits } from '#broker/admission.ts';
import { parseDestination } from '#broker/destination.ts';
import type { PolicyStore } from '#broker/policy-store.ts';
import { Refusal } from '#broker/refusal.ts';
import { createResolver, type Lookup } from '#broker/resolve.ts';
import { sandboxParty } from '#broker/sandbox-party.ts';

const sandboxId = 'aaaaaaaaaaaaaaaaaaaa' as SandboxId;
const teamId = 'bbbbbbbbbbbbbbbbbbbb' as TeamId;
const otherTeam = 'cccccccccccccccccccc' as TeamId;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

function admission(
  settings: { lookup?: Lookup; limits?: AdmissionLimits; exceptions?: string[]; owner?: TeamId } = {},
) {
  const state: { policy: Policy | undefined; full: boolean; now: number } = {
    policy: { sets: [], allow: [{ host: 'a.example', ports: [443] }], deny: [] },
    full: false,
    now: 0,
  };
  const records: { kind: string; data: JournalRecord['data'] }[] = [];
  const policies: PolicyStore = {
    get: () => state.policy && { sandboxId, teamId: settings.owner ?? teamId, workspaceId: null, policy: state.policy },
    set: async () => undefined,
    drop: async () => undefined,
  };
  const made = createAdmission({
    party: sandboxParty({ sandboxId, teamId }, policies, { git: [], npm: [], pypi: [], debian: [], models: [] }),
    resolver: createResolver({
      lookup: settings.lookup ?? (async () => ['8.8.8.8']),
      exceptions: (settings.exceptions ?? []).map((text) => parseDestination(text)),
      ownAddresses: () => [],
    }),
    journal: {
      append(kind, data) {
        if (state.full) throw new CasemateError('no_space');
        records.push({ kind, data });
        return { sequence: records.length, time: 0, kind, data, previous: '', hash: '' };
      },
    },
    log: quiet,
    clock: { now: () => state.now },
    limits: settings.limits ?? defaultAdmissionLimits,
  });
  const admit = (text = 'a.example:443') =>
    made.admit({ destination: parseDestination(text), method: 'CONNECT', credential: null });
  return { made, admit, records, state };
}

const refusal =
  (status: number, reason: RegExp) =>
  (error: unknown): boolean =>
    error instanceof Refusal && error.status === status && reason.test(error.reason);

test('H8 a decision is journalled before it is told, and its end once', async () => {
  const { admit, records } = admission();
  const egress = await admit();
  assert.deepEqual(records, [
    {
      kind: 'egress.allowed',
      data: {
        sandboxId,
        teamId,
        workspaceId: null,
        method: 'CONNECT',
        host: 'a.example',
        port: 443,
        reason: 'allowed by a.example',
        credential: null,
      },
    },
  ]);
  egress.close('ended', 3, 4);
  egress.close('failed', 0, 0);
  assert.equal(records.length, 2);
  assert.deepEqual(records[1]?.data, {
    sandboxId,
    host: 'a.example',
    port: 443,
    bytesOut: 3,
    bytesIn: 4,
    milliseconds: 0,
    outcome: 'ended',
  });
});

test('H8 a full journal means that nothing leaves', async () => {
  const { admit, state, records } = admission();
  state.full = true;
  await assert.rejects(admit(), refusal(503, /journal full/));
  await assert.rejects(admit('b.example:443'), refusal(403, /not in the policy/));
  assert.equal(records.length, 0);
  state.full = false;
  await admit();
});

test('without a policy, or with that of another team, everything is refused unresolved', async () => {
  let asked = 0;
  const lookup: Lookup = async () => {
    asked += 1;
    return ['8.8.8.8'];
  };
  const none = admission({ lookup });
  none.state.policy = undefined;
  await assert.rejects(none.admit(), refusal(403, /no policy/));
  await assert.rejects(admission({ lookup, owner: otherTeam }).admit(), refusal(403, /no policy/));
  const listed = admission({ lookup });
  await assert.rejects(listed.admit('secret-data.evil.example:443'), refusal(403, /not in the policy/));
  assert.equal(asked, 0, 'H13 policy before resolution');
});

test('a policy that changes while a name resolves counts', async () => {
  const { promise, resolve } = Promise.withResolvers<readonly string[]>();
  const { admit, state, records } = admission({ lookup: () => promise });
  const asked = admit();
  state.policy = { sets: [], allow: [], deny: [] };
  resolve(['8.8.8.8']);
  await assert.rejects(asked, refusal(403, /not in the policy/));
  assert.deepEqual(
    records.map(({ kind }) => kind),
    ['egress.refused'],
  );
});

test('a policy that no longer allows a way out ends it, and others go on', async () => {
  const { admit, made, state, records } = admission();
  state.policy = { sets: [], allow: [{ host: '*.example', ports: [443] }], deny: [] };
  const [first, second] = [await admit('a.example:443'), await admit('b.example:443')];
  state.policy = { ...state.policy, deny: [{ host: 'a.example', ports: [443] }] };
  made.reconsider();
  assert.deepEqual([first.signal.aborted, second.signal.aborted], [true, false]);
  await assert.rejects(first.connect(), refusal(403, /ended by policy/));
  first.close('broken', 0, 0);
  assert.equal(records.at(-1)?.data['outcome'], 'ended by policy');
  made.endAll('door closed');
  assert.equal(second.signal.aborted, true);
});

test('one sandbox cannot hold more than its share of connections', async () => {
  const { admit } = admission({ limits: { concurrent: 2, burst: 100, perSecond: 1 } });
  const held = [await admit(), await admit()];
  await assert.rejects(admit(), refusal(429, /too many connections/));
  held[0]?.close('ended', 0, 0);
  await admit();
});

test('one sandbox cannot fill the journal with refusals', async () => {
  const { admit, records, state } = admission({ limits: { concurrent: 10, burst: 5, perSecond: 10 } });
  for (let turn = 0; turn < 200; turn += 1) await assert.rejects(admit('b.example:443'), Refusal);
  assert.equal(records.length, 6);
  assert.equal(records.at(-1)?.data['reason'], 'too many requests');
  state.now += 1000;
  await admit();
});

test('H13 the checked address is dialled, and a fallback follows one that refuses', async () => {
  const server = createServer((socket) => socket.end());
  server.listen(0, '127.0.0.9');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const text = `a.example:${address.port}`;
  const { admit, state } = admission({ lookup: async () => ['127.0.0.8', '127.0.0.9'], exceptions: [text] });
  state.policy = { sets: [], allow: [{ host: 'a.example', ports: [address.port] }], deny: [] };
  const socket = await (await admit(text)).connect();
  assert.equal(socket.remoteAddress, '127.0.0.9');
  socket.destroy();
  server.close();
});
