import type { Clock } from '#base/clock.ts';
import type { Database } from '#database/database.ts';
import { purgeIdempotencyKeys } from '#database/identity/idempotency-store.ts';
import { purgeLoginLimits } from '#database/identity/login-limit-store.ts';
import { purgeSessions } from '#database/identity/session-store.ts';
import { purgeSetupTokens } from '#database/identity/setup-token-store.ts';
import { purgeAnnouncedCommands } from '#database/trail/command-store.ts';
import type { Log } from '#http/log.ts';

const everyMs = 3_600_000;

/** Removes what expired a while ago, once an hour. */
export function purgeRegularly(options: {
  readonly database: Pick<Database, 'withJob'>;
  readonly clock: Clock;
  readonly log: Log;
}): Disposable {
  const { database, clock, log } = options;
  const purge = () =>
    database.withJob('purge', async (tx) => {
      const now = clock.now();
      await purgeAnnouncedCommands(tx, new Date(now - 24 * everyMs));
      await purgeIdempotencyKeys(tx, new Date(now));
      await purgeLoginLimits(tx, new Date(now - 24 * everyMs));
      await purgeSessions(tx, new Date(now - 24 * everyMs));
      await purgeSetupTokens(tx, new Date(now - 24 * everyMs));
    });
  const timer = setInterval(() => {
    purge().catch((error: unknown) =>
      log.warn({ err: error }, 'what has expired could not be removed; tried again later'),
    );
  }, everyMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
