import { createHash } from 'node:crypto';
import { canonicalJson } from '#base/canonical.ts';
import type { AuditRecord } from '#contract/audit.ts';

/** What the first record of a chain names as its previous one. */
export const auditGenesis = '0'.repeat(64);

/** SHA-256, hex, over the canonical JSON (RFC 8785) of all members but `hash`. */
export function auditHash(record: Omit<AuditRecord, 'hash'>): string {
  const { chain, sequence, time, event, outcome, actor, requestId, address, fields, previous } = record;
  const text = canonicalJson({ chain, sequence, time, event, outcome, actor, requestId, address, fields, previous });
  return createHash('sha256').update(text).digest('hex');
}
