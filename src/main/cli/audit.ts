import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import { verifyAudit } from '#audit/verify.ts';
import type { auditListSchema } from '#contract/api.ts';
import { auditCatalogue, type AuditRecord } from '#contract/audit.ts';
import { callAdmin, streamAdmin } from '#main/admin/call-admin.ts';
import { exitCodes, type Invocation, runCommand, UsageProblem } from '#main/admin/command.ts';
import { printJson, printLine } from '#main/admin/print.ts';

export const help = `
usage: casemate audit ls [--event NAME] [--limit N]
       casemate audit export > trail.jsonl
       casemate audit verify FILE|- [--online]

The trail of what happened. Every record names the hash of the one before it, so an export can be
checked on any machine, without the server.

  ls         the newest records of the first owner's team
  export     every record of every chain, one JSON object a line
  verify     checks an export; exits with 1 when a record was changed, removed, added or moved
  --online   asks the running server for its heads as well, so that a cut-off end is seen
  --data DIR data directory of the instance
  -o json    machine-readable
`;

const options = {
  event: { type: 'string' },
  limit: { type: 'string', default: '50' },
  online: { type: 'boolean', default: false },
} as const;

export const run = (args: string[]): Promise<number> =>
  runCommand({ help, options }, args, async (invocation) => {
    const [verb, ...words] = invocation.words;
    if (verb === 'ls' && words.length === 0) return list(invocation);
    if (verb === 'export' && words.length === 0) return exportTrail(invocation);
    if (verb === 'verify' && words.length === 1) return verify(invocation, words[0] ?? '');
    throw new UsageProblem('say ls, export or verify FILE');
  });

async function list({ data, json, values }: Invocation): Promise<undefined> {
  const limit = String(values['limit']);
  if (!/^[1-9]\d{0,2}$/.test(limit) || Number(limit) > 200) throw new UsageProblem('--limit takes 1 to 200');
  const event = values['event'] as string | undefined;
  if (event !== undefined && !Object.hasOwn(auditCatalogue, event)) throw new UsageProblem(`${event} is not an event`);
  const query = new URLSearchParams({ limit, ...(event === undefined ? {} : { event }) });
  const page = (await callAdmin(data, 'GET', `/api/v1/audit?${query}`)) as z.infer<typeof auditListSchema>;
  if (json) printJson(page.items);
  else for (const record of page.items) printLine(sentenceOf(record));
  return undefined;
}

function sentenceOf(record: AuditRecord): string {
  const contract = Object.hasOwn(auditCatalogue, record.event)
    ? auditCatalogue[record.event as keyof typeof auditCatalogue]
    : undefined;
  const sentence = (contract?.sentence ?? record.event).replace(/\{(\w+)\}/g, (_, field: string) =>
    String(record.fields[field] ?? '?'),
  );
  const { actor } = record;
  const who = 'id' in actor ? `${actor.kind} ${actor.id}` : actor.kind === 'system' ? actor.process : actor.kind;
  const outcome = record.outcome === 'success' ? '' : `  [${record.outcome}]`;
  return `${record.time}  ${who} ${sentence}${outcome}`;
}

async function exportTrail({ data }: Invocation): Promise<undefined> {
  for await (const chunk of streamAdmin(data, '/admin/audit')) {
    if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
  return undefined;
}

async function verify({ data, json, values }: Invocation, file: string): Promise<number> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  const lines: string[] = [];
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) lines.push(line);
  } catch (error) {
    throw new UsageProblem(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  const heads = values['online']
    ? ((await callAdmin(data, 'GET', '/admin/audit/heads')) as { items: Parameters<typeof verifyAudit>[1] }).items
    : [];
  const findings = verifyAudit(lines, heads);
  const records = lines.filter((line) => line !== '').length;
  if (json) printJson({ records, whole: findings.length === 0, findings });
  else {
    for (const finding of findings) printLine(`line ${finding.line}: ${finding.kind}: ${finding.message}`);
    if (records === 0) printLine('The file holds no record.');
    else if (findings.length === 0) printLine(`${records} records, every chain is whole.`);
    else printLine(`${records} records, ${findings.length} findings.`);
  }
  return findings.length === 0 && records > 0 ? exitCodes.done : exitCodes.refused;
}
