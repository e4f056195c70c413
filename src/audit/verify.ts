import { auditRecordSchema, type AuditRecord } from '#contract/audit.ts';
import { auditGenesis, auditHash } from '#audit/record-hash.ts';

export interface AuditFinding {
  /** 1-based number of the line; 0 where a line is missing at the end. */
  readonly line: number;
  readonly chain: string;
  readonly kind: 'malformed' | 'edited' | 'deleted' | 'inserted' | 'reordered';
  readonly message: string;
}

interface Head {
  readonly chain: string;
  readonly sequence: number;
  readonly hash: string;
}

interface Seen {
  readonly line: number;
  readonly record: AuditRecord;
  readonly whole: boolean;
}

/**
 * Verifies an export, one record a line, chains in any mixture, without server, database or keys.
 * Without `heads` an end that was cut off is not seen: nothing in the file says where it should be.
 * An empty answer means that every chain is whole from its first record.
 */
export function verifyAudit(lines: Iterable<string>, heads: readonly Head[] = []): readonly AuditFinding[] {
  const findings: AuditFinding[] = [];
  const chains = new Map<string, Seen[]>();
  let line = 0;
  for (const text of lines) {
    line += 1;
    if (text === '') continue;
    const record = parseLine(text);
    if (!record) {
      findings.push({ line, chain: '', kind: 'malformed', message: `line ${line} is not a record of the audit trail` });
      continue;
    }
    const { hash, ...hashed } = record;
    const chain = chains.get(record.chain) ?? [];
    chain.push({ line, record, whole: auditHash(hashed) === hash });
    chains.set(record.chain, chain);
  }
  for (const [chain, seen] of chains) verifyChain(chain, seen, findings);
  for (const head of heads) verifyHead(head, chains.get(head.chain) ?? [], findings);
  return findings.toSorted((a, b) => (a.line || Infinity) - (b.line || Infinity));
}

function parseLine(text: string): AuditRecord | undefined {
  try {
    return auditRecordSchema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function verifyChain(chain: string, seen: readonly Seen[], findings: AuditFinding[]): void {
  const add = (at: Seen, kind: AuditFinding['kind'], what: string) =>
    findings.push({ line: at.line, chain, kind, message: `record ${at.record.sequence} of ${chain} ${what}` });

  const bySequence = new Map<number, Seen[]>();
  for (const one of seen) bySequence.set(one.record.sequence, [...(bySequence.get(one.record.sequence) ?? []), one]);
  let greatest = 0;
  for (const one of seen) {
    if (one.record.sequence < greatest && bySequence.get(one.record.sequence)?.length === 1) {
      add(one, 'reordered', 'stands after a later one');
    }
    greatest = Math.max(greatest, one.record.sequence);
  }

  const sequences = [...bySequence.keys()].toSorted((a, b) => a - b);
  let previous: Seen | undefined;
  for (const sequence of sequences) {
    const candidates = bySequence.get(sequence) as Seen[];
    const one = genuine(candidates, previous, bySequence.get(sequence + 1));
    for (const other of candidates) if (other !== one) add(other, 'inserted', 'is there more than once');
    if (!one.whole) add(one, 'edited', 'does not agree with its own hash');
    const expected = (previous?.record.sequence ?? 0) + 1;
    if (sequence > expected) {
      const missing = sequence - expected;
      add(one, 'deleted', `comes after ${missing} missing ${missing === 1 ? 'record' : 'records'}`);
    } else if (one.whole && one.record.previous !== (previous?.record.hash ?? auditGenesis)) {
      // Whoever changed the earlier record gave it a new hash, which this one does not name.
      add(previous ?? one, 'edited', previous ? 'is not the one that its successor names' : 'does not begin its chain');
    }
    previous = one;
  }
}

/** Of several records with one sequence, the one that its neighbours name. */
function genuine(candidates: readonly Seen[], previous: Seen | undefined, next: readonly Seen[] | undefined): Seen {
  const named = candidates.filter((one) => next?.some((later) => later.record.previous === one.record.hash));
  const linked = (named.length > 0 ? named : candidates).find(
    (one) => one.whole && one.record.previous === (previous?.record.hash ?? auditGenesis),
  );
  return linked ?? named[0] ?? (candidates[0] as Seen);
}

function verifyHead(head: Head, seen: readonly Seen[], findings: AuditFinding[]): void {
  if (head.sequence === 0) return;
  const last = seen.find((one) => one.record.sequence === head.sequence);
  const { chain } = head;
  if (!last) {
    findings.push({ line: 0, chain, kind: 'deleted', message: `${chain} ends before record ${head.sequence}` });
  } else if (last.record.hash !== head.hash) {
    const message = `record ${head.sequence} of ${chain} is not the one that the head names`;
    findings.push({ line: last.line, chain, kind: 'edited', message });
  }
}
