import type { Clock } from '#base/clock.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Database } from '#database/database.ts';
import {
  blockLogin,
  clearLoginLimit,
  countLoginFailure,
  type LoginLimitKind,
} from '#database/identity/login-limit-store.ts';
import { forgiveLoginAttempt } from '#database/identity/login-limit-forgive.ts';
import type { Vault } from '#vault/vault.ts';
import { addressBlock } from '#identity/address-block.ts';

interface Limit {
  readonly kind: LoginLimitKind;
  /** Attempts in one window before there is any waiting. */
  readonly free: number;
  /** The wait doubles from the first to the longest. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
}

const windowMs = 15 * 60_000;

/** ASVS 5.0, 6.3.1. The widest is last: an attack from everywhere slows everybody down a little, not for long. */
const limits: readonly Limit[] = [
  { kind: 'account', free: 5, firstWaitMs: 2_000, longestWaitMs: windowMs },
  { kind: 'address', free: 30, firstWaitMs: 2_000, longestWaitMs: windowMs },
  { kind: 'global', free: 500, firstWaitMs: 1_000, longestWaitMs: 30_000 },
];

export interface LoginAttempt {
  /** Failures of this account in the window, this attempt included until it succeeds. */
  readonly count: number;
  /** Takes the attempt back out of the counters. */
  succeeded(): Promise<void>;
}

export interface LoginLimits {
  /**
   * Counts an attempt before it is tried, so that many at once cannot all slip through. CasemateError
   * `rate_limited` with `retryAfterSeconds`; `unavailable` when it cannot be counted: it fails closed.
   */
  begin(email: string, address: string): Promise<LoginAttempt>;
}

export function createLoginLimits(options: {
  readonly database: Pick<Database, 'withAuth'>;
  readonly vault: Pick<Vault, 'lookup'>;
  readonly clock: Clock;
}): LoginLimits {
  const { database, vault, clock } = options;
  return {
    async begin(email, address) {
      const keys: Record<LoginLimitKind, Buffer> = {
        account: vault.lookup('login-limit', `account ${email}`),
        address: vault.lookup('login-limit', `address ${addressBlock(address)}`),
        global: vault.lookup('login-limit', 'global'),
      };
      const now = clock.now();
      const count = await database.withAuth(async (tx) => {
        let ofAccount = 0;
        // Always in the same order, so that two attempts never wait for each other.
        for (const limit of limits) {
          const of = { kind: limit.kind, key: keys[limit.kind] };
          const row = await countLoginFailure(tx, {
            ...of,
            now: new Date(now),
            windowEndsAt: new Date(now + windowMs),
          });
          const blockedFor = (row.blockedUntil?.getTime() ?? 0) - now;
          // Thrown inside: what was refused is not counted as well.
          if (blockedFor > 0) throw tooMany(blockedFor);
          if (limit.kind === 'account') ofAccount = row.count;
          if (row.count >= limit.free) {
            const waitMs = Math.min(limit.longestWaitMs, limit.firstWaitMs * 2 ** Math.min(row.count - limit.free, 20));
            await blockLogin(tx, { ...of, blockedUntil: new Date(now + waitMs) });
          }
        }
        return ofAccount;
      });
      return {
        count,
        succeeded: () =>
          database.withAuth(async (tx) => {
            await clearLoginLimit(tx, 'account', keys.account);
            await forgiveLoginAttempt(tx, 'address', keys.address);
            await forgiveLoginAttempt(tx, 'global', keys.global);
          }),
      };
    },
  };
}

const tooMany = (waitMs: number): CasemateError =>
  new CasemateError('rate_limited', 'Too many attempts to sign in; wait and try again', {
    detail: { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) },
  });
