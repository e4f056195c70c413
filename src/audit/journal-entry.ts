import { canonicalJson } from '#base/canonical.ts';
import { parseId, type SandboxId, type TeamId, type WorkspaceId } from '#base/ids.ts';
import { egressKinds, processEgressKinds } from '#contract/broker.ts';
import type { JournalRecord } from '#contract/journal.ts';
import { cleanText } from '#audit/class-fields.ts';
import type { AuditEntry } from '#audit/audit.ts';
import type { EgressRow } from '#database/trail/egress-store.ts';

type Value = JournalRecord['data'][string] | undefined;

// A journal that was tampered with must not be able to stop its own ingestion by what PostgreSQL refuses.
const textOf = (value: Value): string => (typeof value === 'string' ? cleanText(value) : '');
const nullable = (value: Value): string | null => (typeof value === 'string' ? cleanText(value) : null);
const portOf = (value: Value): number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535 ? value : 0;
const year10000Ms = 253_402_300_800_000;
const timeOf = (ms: number): number => (ms >= 0 && ms < year10000Ms ? ms : 0);

/** Names a record for good, in the journal's order: its hash as well, because a journal that was replaced counts from one again. */
export const originOf = (process: string, record: JournalRecord): string =>
  `${process}-${String(record.sequence).padStart(12, '0')}-${record.hash.slice(0, 16)}`;

/** The event that a record of a journal is; undefined for records that add nothing to the trail. */
export function toAuditEntry(process: string, record: JournalRecord): AuditEntry | undefined {
  const { kind, data } = record;
  const chain = parseId<TeamId>(data['teamId']) ?? 'instance';
  const common = {
    chain,
    requestId: null,
    address: null,
    time: timeOf(record.time),
    origin: originOf(process, record),
  } as const;
  if (kind === egressKinds.closed || kind === processEgressKinds.closed) return undefined;
  if (kind === egressKinds.allowed || kind === egressKinds.refused) {
    const fields = {
      sandboxId: textOf(data['sandboxId']),
      workspaceId: nullable(data['workspaceId']),
      host: textOf(data['host']),
      port: portOf(data['port']),
      method: textOf(data['method']),
      reason: textOf(data['reason']),
      credential: nullable(data['credential']),
    };
    const actor = { kind: 'sandbox', id: fields.sandboxId } as const;
    return kind === egressKinds.allowed
      ? { ...common, event: 'egress.allowed', actor, outcome: 'success', fields }
      : { ...common, event: 'egress.refused', actor, outcome: 'denied', fields };
  }
  if (kind === processEgressKinds.allowed || kind === processEgressKinds.refused) {
    const fields = {
      host: textOf(data['host']),
      port: portOf(data['port']),
      method: textOf(data['method']),
      reason: textOf(data['reason']),
    };
    const actor = { kind: 'system', process: textOf(data['process']) } as const;
    return kind === processEgressKinds.allowed
      ? { ...common, event: 'process-egress.allowed', actor, outcome: 'success', fields }
      : { ...common, event: 'process-egress.refused', actor, outcome: 'denied', fields };
  }
  const { sandboxId, teamId: _teamId, commandId, ...rest } = data;
  return {
    ...common,
    // Under which the server put it on record before it gave it, when it did.
    requestId: nullable(commandId),
    event: 'warden.command',
    actor: { kind: 'system', process },
    outcome: 'success',
    fields: { kind, sandboxId: nullable(sandboxId), detail: canonicalJson(rest) },
  };
}

/** The row of the workspace's strip that a record of the broker's journal is; undefined for other records. */
export function toEgressRow(process: string, record: JournalRecord): EgressRow | undefined {
  const { kind, data } = record;
  if (kind !== egressKinds.allowed && kind !== egressKinds.refused) return undefined;
  const teamId = parseId<TeamId>(data['teamId']);
  const sandboxId = parseId<SandboxId>(data['sandboxId']);
  if (!teamId || !sandboxId) return undefined;
  return {
    id: originOf(process, record),
    teamId,
    sandboxId,
    workspaceId: parseId<WorkspaceId>(data['workspaceId']) ?? null,
    time: new Date(timeOf(record.time)),
    sequence: record.sequence,
    allowed: kind === egressKinds.allowed,
    method: textOf(data['method']),
    host: textOf(data['host']),
    port: portOf(data['port']),
    reason: textOf(data['reason']),
    credential: nullable(data['credential']),
  };
}
