import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { verifyCheckpoints } from '#audit/verify-checkpoints.ts';
import { verifyAudit } from '#audit/verify.ts';
import { auditRecordSchema } from '#contract/audit.ts';
import { UsageProblem } from '#main/admin/command.ts';
import type { Evidence } from '#main/evidence/read-evidence.ts';
import type { Verdict } from '#main/evidence/verdict.ts';

/** Verifies an export, on any machine; with evidence, against what was signed as well. */
export async function verifyFile(
  file: string,
  heads: Parameters<typeof verifyAudit>[1],
  evidence: Evidence | null,
): Promise<Verdict> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  const lines: string[] = [];
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) lines.push(line);
  } catch (error) {
    throw new UsageProblem(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  const findings = verifyAudit(lines, heads);
  const records = lines.filter((line) => line !== '').length;
  const rest = 'nothing but their links to each other vouches for';
  if (evidence === null) return { records, findings, chains: null, rest };
  const verdict = verifyCheckpoints({ hashes: hashesOf(lines), stored: [], ...evidence });
  return { records, findings: [...findings, ...verdict.findings], chains: verdict.chains, rest };
}

function hashesOf(lines: readonly string[]): Map<string, Map<number, string>> {
  const hashes = new Map<string, Map<number, string>>();
  for (const line of lines) {
    // Those that are no records are findings already.
    const record = line === '' ? undefined : auditRecordSchema.safeParse(parse(line)).data;
    if (!record) continue;
    const chain = hashes.get(record.chain) ?? new Map<number, string>();
    chain.set(record.sequence, record.hash);
    hashes.set(record.chain, chain);
  }
  return hashes;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
