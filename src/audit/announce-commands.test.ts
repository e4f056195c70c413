import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { createCommandAnnouncer } from '#audit/announce-commands.ts';
import type { Database } from '#database/database.ts';

const teamId = 'a'.repeat(20);
const log = { warn() {} };
const random = (bytes: Uint8Array): Uint8Array => randomFillSync(bytes);

/** A database whose transactions end as `answer` does. */
const databaseOf = (answer: () => Promise<void>): Database => ({ withJob: () => answer() }) as unknown as Database;

test('H5 commands that follow upon each other are announced each, however quick the database is', async () => {
  await using announcer = createCommandAnnouncer({ database: databaseOf(async () => undefined), random, log });
  const ids = new Set<string>();
  for (let n = 0; n < 200; n += 1) {
    const { commandId } = (await announcer.prepare('exec.run', { teamId })) as { commandId: string };
    ids.add(commandId);
    // Every place at which the next one may come while the last is being finished.
    for (let turn = 0; turn < n % 8; turn += 1) await Promise.resolve();
  }
  assert.equal(ids.size, 200);
  assert.deepEqual(await announcer.prepare('file.list', { teamId }), { teamId }, 'what does not act has no id');
});

test('H5 what cannot be announced is not given, but for what makes safer', async () => {
  let down = true;
  let written = 0;
  const database = databaseOf(async () => {
    if (down) throw new Error('down');
    written += 1;
  });
  await using announcer = createCommandAnnouncer({ database, random, log });
  await assert.rejects(announcer.prepare('sandbox.create', { teamId }), /down/);
  const { commandId } = (await announcer.prepare('sandbox.kill', { teamId })) as { commandId: string };
  assert.equal(announcer.given(commandId)?.kind, 'sandbox.kill');
  down = false;
  while (written === 0) await wait(50);
  assert.ok(announcer.given(commandId), 'until the journal names it');
  announcer.settled([commandId]);
  assert.equal(announcer.given(commandId), undefined);
});
