import { systemClock } from '#base/clock.ts';
import { createAudit } from '#audit/create-audit.ts';
import { type DatabaseOptions, openDatabase } from '#database/open-database.ts';
import { createVault } from '#vault/create-vault.ts';

/** Run as a program: records events without end and writes the number of each to stdout once it is acknowledged. */
const [connection = '', key = '', prefix = ''] = process.argv.slice(2);
const bytes = Buffer.from(key, 'hex');
const log = { warn() {} };
const database = openDatabase({ ...(JSON.parse(connection) as Omit<DatabaseOptions, 'log'>), log });
const audit = createAudit({
  database,
  vault: createVault({ sealing: [{ id: 1, bytes }], lookup: bytes }),
  clock: systemClock,
});

let next = 0;
async function work(): Promise<void> {
  for (;;) {
    const name = `${prefix}${next++}`;
    try {
      await audit.record({
        event: 'session.ended',
        chain: 'instance',
        actor: { kind: 'operator' },
        outcome: 'success',
        requestId: null,
        address: null,
        fields: { reason: name },
      });
    } catch (error) {
      // Not acknowledged, so it may be there or not: the database was killed.
      process.stderr.write(`${String(error)}\n`);
      process.exit(3);
    }
    process.stdout.write(`${name}\n`);
  }
}
await Promise.all([work(), work(), work(), work()]);
