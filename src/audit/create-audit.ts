import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import type { TeamId } from '#base/ids.ts';
import type { AuditRecord } from '#contract/audit.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Audit, AuditChainHead } from '#audit/audit.ts';
import { createChainWriter, type ChainWriter } from '#audit/chain-writer.ts';
import { classFields, cleanText } from '#audit/class-fields.ts';
import { verifyAudit, type AuditFinding } from '#audit/verify.ts';
import type { Database } from '#database/database.ts';
import { listAuditChain, listAuditHeads, listTeamAuditEvents, type AuditRow } from '#database/trail/audit-store.ts';
import type { Vault } from '#vault/vault.ts';

export interface AuditOptions {
  readonly database: Database;
  /** For the digests of fields and the HMAC of each row. */
  readonly vault: Pick<Vault, 'lookup'>;
  readonly clock: Clock;
}

const exportPage = 500;

/** The only writer of the audit trail. */
export function createAudit({ database, vault, clock }: AuditOptions): Audit {
  const writers = new Map<string, ChainWriter>();
  const mac = (hash: string) => vault.lookup('audit-chain', hash);
  const digest = (value: string) => vault.lookup('audit-field', value).toString('hex');

  function writerOf(chain: TeamId | 'instance'): ChainWriter {
    const found = writers.get(chain) ?? createChainWriter({ chain, database, mac });
    writers.set(chain, found);
    return found;
  }

  async function* rowsOf(chain: string): AsyncGenerator<AuditRow> {
    let after = 0;
    for (;;) {
      const rows = await database.withJob('audit', (tx) => listAuditChain(tx, chain, after, exportPage));
      yield* rows;
      after = rows.at(-1)?.sequence ?? after;
      if (rows.length < exportPage) return;
    }
  }

  async function heads(): Promise<readonly AuditChainHead[]> {
    const rows = await database.withJob('audit', (tx) => listAuditHeads(tx));
    return rows.map(({ chain, sequence, hash }) => ({ chain: chain as TeamId | 'instance', sequence, hash }));
  }

  return {
    async record(entry) {
      const fields = classFields(entry.event, entry.fields, digest);
      await writerOf(entry.chain).append({
        time: new Date(entry.time ?? clock.now()),
        event: entry.event,
        outcome: entry.outcome,
        actor: entry.actor,
        requestId: entry.requestId,
        address: entry.address === null ? null : cleanText(entry.address),
        fields,
        origin: entry.origin ?? null,
      });
    },
    async list(scope, query) {
      if (query.cursor !== undefined && !/^\d{1,15}$/.test(query.cursor)) {
        throw new CasemateError('invalid_request', 'The cursor is not one of this list');
      }
      const before = query.cursor === undefined ? undefined : Number(query.cursor);
      const rows = await database.withTenant(scope, (tx) =>
        listTeamAuditEvents(tx, { before, event: query.event, limit: query.limit + 1 }),
      );
      const items = rows.slice(0, query.limit).map(toRecord);
      return { items, cursor: rows.length > query.limit ? String(items.at(-1)?.sequence) : null };
    },
    async *export(chain) {
      for await (const row of rowsOf(chain)) yield toRecord(row);
    },
    heads,
    async check(chain) {
      const lines: string[] = [];
      const forged: AuditFinding[] = [];
      // The head first: records that are added meanwhile are beyond it.
      const head = (await heads()).filter((one) => one.chain === chain);
      for await (const row of rowsOf(chain)) {
        lines.push(JSON.stringify(toRecord(row)));
        const expected = mac(row.hash);
        if (row.mac.length !== expected.length || !timingSafeEqual(row.mac, expected)) {
          const message = `record ${row.sequence} of ${chain} was not written by this server`;
          forged.push({ line: lines.length, chain, kind: 'inserted', message });
        }
      }
      return [...verifyAudit(lines, head), ...forged];
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...writers.values()].map((writer) => writer.idle()));
    },
  };
}

function toRecord(row: AuditRow): AuditRecord {
  const { chain, sequence, event, outcome, actor, requestId, address, fields, previous, hash } = row;
  const time = row.time.toISOString();
  return { chain, sequence, time, event, outcome, actor, requestId, address, fields: { ...fields }, previous, hash };
}
