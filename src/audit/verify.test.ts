import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AuditRecord } from '#contract/audit.ts';
import { auditGenesis, auditHash } from '#audit/record-hash.ts';
import { verifyAudit } from '#audit/verify.ts';

function chainOf(chain: string, length: number, first = 1, before = auditGenesis): AuditRecord[] {
  const records: AuditRecord[] = [];
  let previous = before;
  for (let sequence = first; sequence < first + length; sequence++) {
    const record = {
      chain,
      sequence,
      time: new Date(1_700_000_000_000 + sequence).toISOString(),
      event: 'session.ended',
      outcome: 'success' as const,
      actor: { kind: 'operator' as const },
      requestId: null,
      address: null,
      fields: { reason: `reason ${sequence}` },
      previous,
    };
    const hash = auditHash(record);
    records.push({ ...record, hash });
    previous = hash;
  }
  return records;
}

const rehash = (record: AuditRecord): AuditRecord => {
  const { hash: _hash, ...rest } = record;
  return { ...rest, hash: auditHash(rest) };
};
const lines = (records: readonly AuditRecord[]) => records.map((record) => JSON.stringify(record));
const at = (records: readonly AuditRecord[], index: number): AuditRecord => {
  const record = records[index];
  assert.ok(record);
  return record;
};

const table: [string, (records: AuditRecord[]) => readonly AuditRecord[], string][] = [
  ['an edited field', (r) => r.with(4, { ...at(r, 4), fields: { reason: 'nothing' } }), 'edited'],
  ['an edited actor', (r) => r.with(4, { ...at(r, 4), actor: { kind: 'stranger' } }), 'edited'],
  ['an edited time', (r) => r.with(4, { ...at(r, 4), time: '2020-01-01T00:00:00.000Z' }), 'edited'],
  ['an edit with a new hash', (r) => r.with(4, rehash({ ...at(r, 4), fields: { reason: 'nothing' } })), 'edited'],
  ['an edit of the first record', (r) => r.with(0, rehash({ ...at(r, 0), previous: 'f'.repeat(64) })), 'edited'],
  ['a deleted record', (r) => r.toSpliced(4, 1), 'deleted'],
  ['several deleted records', (r) => r.toSpliced(2, 5), 'deleted'],
  ['a deleted first record', (r) => r.slice(1), 'deleted'],
  ['an inserted copy', (r) => r.toSpliced(5, 0, at(r, 4)), 'inserted'],
  ['an inserted forgery', (r) => r.toSpliced(4, 0, rehash({ ...at(r, 4), fields: { reason: 'x' } })), 'inserted'],
  ['two records exchanged', (r) => r.with(4, at(r, 5)).with(5, at(r, 4)), 'reordered'],
  ['a record moved to the end', (r) => [...r.toSpliced(3, 1), at(r, 3)], 'reordered'],
];

test('an export that nobody touched verifies, chains mixed', () => {
  const one = chainOf('instance', 10);
  const two = chainOf('a'.repeat(20), 5);
  const mixed = [...one.slice(0, 3), ...two, ...one.slice(3)];
  const heads = [at(one, 9), at(two, 4)];
  assert.deepEqual(verifyAudit(lines(mixed), heads), []);
  assert.deepEqual(verifyAudit([]), []);
});

for (const [name, tamper, kind] of table) {
  test(`${name} is named ${kind}`, () => {
    const findings = verifyAudit(lines(tamper(chainOf('instance', 10))));
    assert.ok(findings.length > 0);
    assert.deepEqual([...new Set(findings.map((finding) => finding.kind))], [kind]);
  });
}

test('an end that was cut off is named deleted where the head is known', () => {
  const records = chainOf('instance', 10);
  assert.deepEqual(verifyAudit(lines(records.slice(0, 8))), []);
  const findings = verifyAudit(lines(records.slice(0, 8)), [at(records, 9)]);
  assert.deepEqual(
    findings.map((finding) => finding.kind),
    ['deleted'],
  );
});

test('a chain that was rewritten as a whole does not agree with the head', () => {
  const rewritten = chainOf('instance', 9, 1, auditGenesis).map((record) =>
    rehash({ ...record, event: 'session.started' }),
  );
  const findings = verifyAudit(lines(rewritten), [at(chainOf('instance', 9), 8)]);
  assert.ok(findings.some((finding) => finding.kind === 'edited'));
});

test('lines that are no records are named malformed', () => {
  const records = lines(chainOf('instance', 2));
  for (const bad of ['{', 'null', '{}', records[0]?.replace('"chain"', '"chains"') ?? '']) {
    assert.ok(verifyAudit([...records, bad]).some((finding) => finding.kind === 'malformed' && finding.line === 3));
  }
});

test('any single change of any byte of an export is found', () => {
  const text = lines(chainOf('instance', 6)).join('\n');
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.integer({ min: 1, max: 94 }), (position, shift) => {
      const code = text.charCodeAt(position);
      const changed =
        text.slice(0, position) + String.fromCharCode(32 + ((code - 32 + shift) % 95)) + text.slice(position + 1);
      fc.pre(changed !== text && code !== 10);
      assert.ok(verifyAudit(changed.split('\n'), [at(chainOf('instance', 6), 5)]).length > 0);
    }),
    { numRuns: 500 },
  );
});
