import type { CheckpointFinding, ProvenChain } from '#audit/verify-checkpoints.ts';
import type { AuditFinding } from '#audit/verify.ts';
import { printJson, printLine } from '#main/admin/print.ts';

export interface Verdict {
  readonly records: number;
  readonly findings: readonly (AuditFinding | CheckpointFinding)[];
  /** Null where no checkpoints were at hand. */
  readonly chains: readonly ProvenChain[] | null;
  /** What stands behind the records that no checkpoint covers. */
  readonly rest: string;
}

/** Says exactly what is proven. True when nothing was found wrong, and there was something. */
export function printVerdict({ records, findings, chains, rest }: Verdict, json: boolean): boolean {
  const whole = findings.length === 0;
  if (json) printJson({ records, whole, findings, chains });
  else {
    for (const finding of findings) {
      const place = 'line' in finding ? `line ${finding.line}: ` : '';
      printLine(`${place}${finding.kind}: ${finding.message}`);
    }
    for (const { chain, provenUpTo, provenAt, unproven } of chains ?? []) {
      const proven =
        provenAt === null
          ? 'no record is proven by the key of the signer'
          : `records 1 to ${provenUpTo} are as they were at ${provenAt}, proven by the key of the signer`;
      printLine(
        `${chain}: ${proven}; ${unproven === 0 ? 'none' : unproven} after that${unproven === 0 ? '' : `, which ${rest}`}`,
      );
    }
    if (records === 0) printLine('There is no record.');
    else if (whole) printLine(`${records} records, every chain is whole.`);
    else printLine(`${records} records, ${findings.length} findings.`);
  }
  return whole && records > 0;
}
