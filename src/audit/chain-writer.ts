import type { TeamId } from '#base/ids.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Database } from '#database/database.ts';
import {
  addAuditEvents,
  findAuditOrigins,
  lockAuditHead,
  moveAuditHead,
  type AuditRow,
} from '#database/trail/audit-store.ts';
import { auditGenesis, auditHash } from '#audit/record-hash.ts';

/** An event that has not its place in the chain yet. */
export type Unchained = Omit<AuditRow, 'chain' | 'teamId' | 'sequence' | 'previous' | 'hash' | 'mac'>;

interface Waiting {
  readonly event: Unchained;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export interface ChainWriter {
  /** Resolves after the commit. */
  append(event: Unchained): Promise<void>;
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>;
}

const maximumBatch = 200;
const maximumWaiting = 10_000;

/**
 * The one writer of a chain: what arrives while a transaction is under way goes into the next, so
 * that the order is the sequence and one commit carries many events.
 */
export function createChainWriter(of: {
  readonly chain: TeamId | 'instance';
  readonly database: Database;
  readonly mac: (hash: string) => Buffer;
}): ChainWriter {
  const teamId = of.chain === 'instance' ? null : of.chain;
  const waiting: Waiting[] = [];
  let working: Promise<void> | undefined;

  async function write(events: readonly Unchained[]): Promise<void> {
    await of.database.withJob('audit', async (tx) => {
      const genesis = { chain: of.chain, teamId, sequence: 0, hash: auditGenesis };
      const head = await lockAuditHead(tx, genesis);
      const origins = events.flatMap((event) => (event.origin === null ? [] : [event.origin]));
      const known = new Set(origins.length === 0 ? [] : await findAuditOrigins(tx, of.chain, origins));
      const rows: AuditRow[] = [];
      let { sequence, hash: previous } = head;
      for (const event of events) {
        if (event.origin !== null) {
          if (known.has(event.origin)) continue;
          known.add(event.origin);
        }
        sequence += 1;
        const placed = { ...event, chain: of.chain, teamId, sequence, previous };
        const hash = auditHash({ ...placed, time: placed.time.toISOString() });
        rows.push({ ...placed, hash, mac: of.mac(hash) });
        previous = hash;
      }
      if (rows.length === 0) return;
      await addAuditEvents(tx, rows);
      await moveAuditHead(tx, { ...head, sequence, hash: previous });
    });
  }

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, maximumBatch);
      try {
        await write(batch.map((one) => one.event));
        for (const one of batch) one.resolve();
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    // In the same turn as the look at what waits: an event that comes after it begins anew.
    working = undefined;
  }

  return {
    append(event) {
      if (waiting.length >= maximumWaiting) {
        return Promise.reject(new CasemateError('unavailable', 'The audit trail cannot keep up; nothing was done'));
      }
      return new Promise((resolve, reject) => {
        waiting.push({ event, resolve, reject });
        working ??= work();
      });
    },
    async idle() {
      await working;
    },
  };
}
