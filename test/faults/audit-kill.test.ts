import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { createAudit } from '#audit/create-audit.ts';
import { openDatabase } from '#database/open-database.ts';
import { prepareDatabase } from '#database/prepare.ts';
import { createVault } from '#vault/create-vault.ts';
import { migrationsDirectory, startPostgres } from '../support/start-database.ts';

test('H8 what was acknowledged is on record after kill -9 of the server and of PostgreSQL, and the chain verifies', async (t) => {
  const { postgres, directory } = await startPostgres();
  t.after(async () => {
    await postgres.stop();
    await rm(directory, { recursive: true, force: true });
  });
  const prepared = await prepareDatabase({
    ownerUrl: postgres.ownerUrl,
    migrationsDirectory,
    passwords: postgres.passwords,
  });
  const { applied: _applied, ...logins } = prepared;
  const key = randomBytes(32);
  const acknowledged: string[] = [];

  for (const [round, victim] of (['server', 'database', 'server', 'database'] as const).entries()) {
    const child = spawn(
      process.execPath,
      [
        join(import.meta.dirname, '../support/audit-writer.ts'),
        JSON.stringify(logins),
        key.toString('hex'),
        `${round}-`,
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    t.after(() => child.kill('SIGKILL'));
    const closed = once(child, 'close');
    let seen = 0;
    let killed = false;
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line);
      seen += 1;
      if (seen < 300 || killed) continue;
      killed = true;
      if (victim === 'server') child.kill('SIGKILL');
      else if (postgres.pid) process.kill(postgres.pid, 'SIGKILL');
    }
    await closed;
    if (victim === 'database') {
      await postgres.exited();
      await postgres.start();
    }
  }

  await using database = openDatabase({ ...logins, log: { warn() {} } });
  const audit = createAudit({
    database,
    vault: createVault({ sealing: [{ id: 1, bytes: key }], lookup: key }),
    clock: systemClock,
  });
  const present = new Set<string>();
  for await (const record of audit.export('instance')) present.add(String(record.fields['reason']));
  t.diagnostic(`${acknowledged.length} acknowledged, ${present.size} on record`);
  assert.ok(acknowledged.length >= 1200);
  assert.deepEqual(
    acknowledged.filter((name) => !present.has(name)),
    [],
  );
  assert.deepEqual(await audit.check('instance'), []);
});
