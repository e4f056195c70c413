import { join } from 'node:path';
import type { z } from 'zod';
import { publicKeysById } from '#audit/verify-checkpoints.ts';
import type { auditListSchema } from '#contract/api.ts';
import { auditCatalogue, type AuditRecord } from '#contract/audit.ts';
import { callAdmin, streamAdmin } from '#main/admin/call-admin.ts';
import { exitCodes, type Invocation, runCommand, UsageProblem } from '#main/admin/command.ts';
import { printJson, printLine } from '#main/admin/print.ts';
import { type Evidence, readEvidence, readPublicKeys } from '#main/evidence/read-evidence.ts';
import { printVerdict } from '#main/evidence/verdict.ts';
import { verifyFile } from '#main/evidence/verify-file.ts';
import { verifyInstance } from '#main/evidence/verify-instance.ts';
import { dataPaths } from '#main/up/paths.ts';

export const help = `
usage: casemate audit ls [--event NAME] [--limit N]
       casemate audit export > trail.jsonl
       casemate audit verify
       casemate audit verify FILE|- [--online] [--evidence DIR] [--key FILE]
       casemate audit key

The trail of what happened. Every record names the hash of the one before it, so an export can be
checked on any machine, without the server.

Heads of the chains are signed by a key that neither the server nor the database has. Keep the public
key, and now and then a copy of DATA/signer/anchors-*.jsonl, on another machine.

  ls         the newest records of the first owner's team
  export     every record of every chain, one JSON object a line
  verify     without FILE, as root: checks what is stored now, record by record, against the HMACs, the
             checkpoints and the files of the signer, without asking the server. With FILE: checks an
             export. Says what is proven; exits with 1 when a record was changed, removed, added or moved
  key        the public keys of the signer (PEM), as root
  --online   asks the running server for its heads as well, so that a cut-off end is seen
  --evidence the directory of the signer, or a copy: anchors-*.jsonl and *.pub.pem
  --key      a public key (PEM) that was kept elsewhere, in the place of those that lie in DIR
  --data DIR data directory of the instance
  -o json    machine-readable
`;

const options = {
  event: { type: 'string' },
  limit: { type: 'string', default: '50' },
  online: { type: 'boolean', default: false },
  evidence: { type: 'string' },
  key: { type: 'string', multiple: true },
} as const;

export const run = (args: string[]): Promise<number> =>
  runCommand({ help, options }, args, async (invocation) => {
    const [verb, ...words] = invocation.words;
    if (verb === 'ls' && words.length === 0) return list(invocation);
    if (verb === 'export' && words.length === 0) return exportTrail(invocation);
    if (verb === 'verify' && words.length <= 1) return verify(invocation, words[0]);
    if (verb === 'key' && words.length === 0) return printKeys(invocation);
    throw new UsageProblem('say ls, export, verify or key');
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

async function verify({ data, json, values }: Invocation, file: string | undefined): Promise<number> {
  const keys = (values['key'] ?? []) as string[];
  const directory = (values['evidence'] as string | undefined) ?? (file === undefined ? dataPaths(data).signer : null);
  if (directory === null && keys.length > 0) throw new UsageProblem('--key needs --evidence DIR, with the anchors');
  if (file === undefined) requireRoot('verify what is stored');
  const evidence = directory === null ? null : readEvidence(directory, keys);
  if (file === undefined) {
    const verdict = await verifyInstance(join(dataPaths(data).config, 'server.json'), evidence as Evidence);
    return printVerdict(verdict, json) ? exitCodes.done : exitCodes.refused;
  }
  const heads = values['online']
    ? ((await callAdmin(data, 'GET', '/admin/audit/heads')) as { items: Parameters<typeof verifyFile>[1] }).items
    : [];
  return printVerdict(await verifyFile(file, heads, evidence), json) ? exitCodes.done : exitCodes.refused;
}

function printKeys({ data, json }: Invocation): undefined {
  requireRoot('read the public key');
  const pems = readPublicKeys(dataPaths(data).signer);
  const keys = [...publicKeysById(pems)].map(([id, key]) => ({ id, pem: key.export({ type: 'spki', format: 'pem' }) }));
  if (json) printJson(keys);
  else for (const { pem } of keys) process.stdout.write(pem);
  return undefined;
}

function requireRoot(what: string): void {
  if (process.getuid?.() !== 0) throw new UsageProblem(`only root may ${what}: sudo ./casemate audit …`);
}
