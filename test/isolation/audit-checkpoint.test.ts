import assert from 'node:assert/strict';
import { generateKeyPairSync, randomFillSync, sign as signBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { keepCheckpoints } from '#audit/checkpoints.ts';
import { createAudit } from '#audit/create-audit.ts';
import { systemClock } from '#base/clock.ts';
import { mintId, type TeamId } from '#base/ids.ts';
import { checkpointText } from '#contract/checkpoint.ts';
import { readEvidence } from '#main/evidence/read-evidence.ts';
import { verifyStored } from '#main/evidence/verify-instance.ts';
import { openSigner, type Signer } from '#main/signer/signer.ts';
import { keyIdOf } from '#main/signer/signing-key.ts';
import { createVault } from '#vault/create-vault.ts';
import { fileKeys } from '#vault/file-keys.ts';
import { startDatabase, type TestDatabase, withClient } from '../support/start-database.ts';

const directory = mkdtempSync(join(tmpdir(), 'casemate-checkpoint-'));
const vaultDirectory = join(directory, 'vault');
const vault = createVault(await fileKeys(vaultDirectory).load());
const quiet = { warn() {}, error() {} };
const opened: TestDatabase[] = [];
after(async () => {
  await Promise.all(opened.map((database) => database[Symbol.asyncDispose]()));
  rmSync(directory, { recursive: true });
});

let own: TestDatabase;
let team: TeamId;
let signer: Signer;
let place: string;
let alarms: string[];
/** A day later whenever a checkpoint is wanted: a chain that grew at all is then due. */
let nowMs = Date.now();
const clock = { now: () => nowMs };

/** For each test; its steps go on with it. */
async function begin(): Promise<void> {
  own = await startDatabase();
  opened.push(own);
  team = mintId<TeamId>((bytes) => randomFillSync(bytes));
  place = mkdtempSync(join(directory, 'signer-'));
  alarms = [];
  signer = openSigner({ directory: place, now: clock.now, alarm: (text) => alarms.push(text) });
}

const record = async (count: number, what = 'honest'): Promise<void> => {
  await using audit = createAudit({ database: own.database, vault, clock: systemClock });
  for (let n = 0; n < count; n += 1) {
    await audit.record({
      event: 'workspace.renamed',
      chain: team,
      actor: { kind: 'operator' },
      outcome: 'success',
      requestId: null,
      address: null,
      fields: { workspaceId: 'w', name: `${what} ${n}` },
    });
  }
};
const checkpoint = async (sign = signer): Promise<void> => {
  nowMs += 86_400_000;
  const audit = createAudit({ database: own.database, vault, clock });
  const options = { database: own.database, audit, clock, log: quiet, everyMs: 3_600_000 };
  await using checkpoints = keepCheckpoints({
    ...options,
    sign: async (head) => {
      const { signed, refused } = sign.sign(head);
      return signed ? { signed } : { refused };
    },
  });
  await checkpoints.look();
};
const verdict = () => verifyStored({ database: own.logins, vaultDirectory }, readEvidence(place));
/** What whoever owns PostgreSQL can do: all of it. */
const rewrite = async (...statements: string[]): Promise<void> =>
  withClient(own.superuser, async (client) => {
    await client.query('set session_replication_role = replica');
    for (const statement of statements) await client.query(statement);
  });
const forgetTeam = () => [
  `delete from audit_events where chain = '${team}'`,
  `delete from audit_heads where chain = '${team}'`,
];

test('H8 a checkpoint proves the records before it, and says which are after it', async () => {
  await begin();
  await record(30);
  await checkpoint();
  await record(4);
  const { findings, chains, records } = await verdict();
  assert.deepEqual(findings, []);
  assert.equal(records, 34);
  const found = chains?.find(({ chain }) => chain === team);
  assert.deepEqual([found?.provenUpTo, found?.unproven], [30, 4]);
  await checkpoint();
  assert.deepEqual((await verdict()).chains?.find(({ chain }) => chain === team)?.unproven, 0);
});

test('H8 who owns the database and the keys of the server cannot rewrite what is before a checkpoint', async (t) => {
  await begin();
  await record(20);
  await checkpoint();
  await record(5);
  // The whole chain anew, with links and HMACs that are right, and longer than it was.
  await rewrite(...forgetTeam());
  await record(40, 'forged');
  const audit = createAudit({ database: own.database, vault, clock: systemClock });
  assert.deepEqual(await audit.check(team), [], 'without checkpoints nothing is seen');
  const forged = await verdict();
  assert.match(forged.findings.map(({ message }) => message).join('\n'), /at record 20 .* rewritten since/);
  assert.equal(forged.chains?.find(({ chain }) => chain === team)?.provenUpTo, 0);

  await t.test('nor by removing the checkpoints from the database', async () => {
    await rewrite('delete from audit_checkpoints');
    assert.match((await verdict()).findings.map(({ message }) => message).join('\n'), /rewritten since/);
  });
  await t.test('nor by signing with a key of their own', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const [head] = (await audit.heads()).filter(({ chain }) => chain === team);
    assert.ok(head);
    const unsigned = { ...head, time: new Date().toISOString(), keyId: keyIdOf(publicKey) };
    const signature = signBytes(null, Buffer.from(checkpointText(unsigned)), privateKey).toString('hex');
    await rewrite(
      `insert into audit_checkpoints values ('${team}', ${head.sequence}, '${head.hash}', '${unsigned.time}', '${unsigned.keyId}', '\\x${signature}')`,
    );
    assert.match((await verdict()).findings.map(({ message }) => message).join('\n'), /key that is not the signer/);
  });
  await t.test('nor by having the new head signed: the old anchor stays', async () => {
    await checkpoint();
    assert.match(
      (await verdict()).findings.map(({ message }) => message).join('\n'),
      /at record 20 .* rewritten since/,
    );
  });
  await t.test('nor by removing the chain as a whole', async () => {
    await rewrite(...forgetTeam(), 'delete from audit_checkpoints');
    assert.match((await verdict()).findings.map(({ message }) => message).join('\n'), /that record is gone/);
  });
});

test('H8 a chain that was cut back gets no signature, and the refusal is an alarm and on record', async () => {
  await begin();
  await record(20);
  await checkpoint();
  await rewrite(...forgetTeam());
  await record(10, 'shorter');
  await checkpoint();
  assert.match(alarms.join('\n'), /record 10 .* was not signed: it is before one that was signed/);
  const audit = createAudit({ database: own.database, vault, clock: systemClock });
  const events: string[] = [];
  for await (const { event } of audit.export('instance')) events.push(event);
  assert.deepEqual(events, ['alert.checkpoint']);
});

test('H8 without a signer the trail goes on, and the next checkpoint covers what came meanwhile', async () => {
  await begin();
  await record(3);
  const audit = createAudit({ database: own.database, vault, clock });
  await using checkpoints = keepCheckpoints({
    ...{ database: own.database, audit, clock, log: quiet },
    sign: async () => null,
  });
  await checkpoints.look();
  await record(3);
  assert.equal((await verdict()).chains?.find(({ chain }) => chain === team)?.unproven, 6);
  await checkpoint();
  assert.equal((await verdict()).chains?.find(({ chain }) => chain === team)?.provenUpTo, 6);
});

test('H8 records after the last checkpoint are vouched for by the HMAC alone: who has that key can change them', async () => {
  await begin();
  await record(10);
  await checkpoint();
  await record(5);
  const copy = mkdtempSync(join(directory, 'copy-'));
  cpSync(place, copy, { recursive: true });
  await rewrite(
    `delete from audit_events where chain = '${team}' and sequence > 10`,
    `update audit_heads set sequence = 10, hash = (select hash from audit_events where chain = '${team}' and sequence = 10) where chain = '${team}'`,
  );
  await record(5, 'forged');
  const { findings, chains } = await verifyStored({ database: own.logins, vaultDirectory }, readEvidence(copy));
  assert.deepEqual(findings, []);
  assert.equal(chains?.find(({ chain }) => chain === team)?.unproven, 5, 'and the verdict says that there are five');
});
