import type { Secret } from '#contract/api.ts';
import { type CredentialKind, credentialKinds } from '#contract/broker.ts';
import { callAdmin } from '#main/admin/call-admin.ts';
import { type Invocation, runCommand, UsageProblem } from '#main/admin/command.ts';
import { printJson, printLine, printTable } from '#main/admin/print.ts';
import { readSecret } from '#main/admin/read-secret.ts';

export const help = `
usage: casemate secret set NAME [--kind KIND] [--url URL] [--user NAME] < FILE
       casemate secret ls
       casemate secret rm NAME

Keys that sandboxes use without ever holding them: the broker adds them to requests on their way
out. The value comes from standard input, is sealed to the broker at once, and is never shown again.

  NAME        anthropic, openai and github need no --kind; any other name does
  --kind      anthropic, openai or git
  --url       where it may be sent (default: the vendor's API; for git, https://github.com)
  --user      for git: the user name beside a token
  --data DIR  data directory of the instance
  -o json     machine-readable
`;

const options = { kind: { type: 'string' }, url: { type: 'string' }, user: { type: 'string' } } as const;
const path = (name: string): string => `/api/v1/secrets/${encodeURIComponent(name)}`;

export const run = (args: string[]): Promise<number> =>
  runCommand({ help, options }, args, async (invocation) => {
    const [verb, ...words] = invocation.words;
    if (verb === 'set' && words.length === 1) return set(invocation, words[0] ?? '');
    if (verb === 'ls' && words.length === 0) return list(invocation);
    if (verb === 'rm' && words.length === 1) return remove(invocation, words[0] ?? '');
    throw new UsageProblem(
      verb === 'set' ? 'say set NAME, with the value on standard input' : 'say set NAME, ls or rm NAME',
    );
  });

function kindOf(name: string, given: string | undefined): CredentialKind {
  const kind = given ?? (name === 'github' ? 'git' : name);
  const known = credentialKinds.find((one) => one === kind);
  if (known === undefined) throw new UsageProblem(`say what ${name} is with --kind ${credentialKinds.join('|')}`);
  return known;
}

async function set({ data, json, values }: Invocation, name: string): Promise<undefined> {
  const kind = kindOf(name, values['kind'] as string | undefined);
  const value = await readSecret(`Value of ${name}`);
  const url = values['url'];
  const user = values['user'];
  await callAdmin(data, 'PUT', path(name), {
    kind,
    ...(url === undefined ? {} : { baseUrl: url }),
    ...(user === undefined ? {} : { userName: user }),
    value,
  });
  if (json) printJson({ name, kind });
  else printLine(`The secret ${name} is set. Sandboxes can use it from now on; nobody can read it back.`);
  return undefined;
}

async function list({ data, json }: Invocation): Promise<undefined> {
  const reply = (await callAdmin(data, 'GET', '/api/v1/secrets')) as { items: Secret[] };
  if (json) printJson(reply.items);
  else {
    printTable(
      ['NAME', 'KIND', 'SENT TO', 'SET'],
      reply.items.map((secret) => [secret.name, secret.kind, secret.baseUrl, secret.setAt]),
    );
  }
  return undefined;
}

async function remove({ data, json }: Invocation, name: string): Promise<undefined> {
  await callAdmin(data, 'DELETE', path(name));
  if (json) printJson({ name, removed: true });
  else printLine(`The secret ${name} is removed.`);
  return undefined;
}
