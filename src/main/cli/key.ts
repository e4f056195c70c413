import type { z } from 'zod';
import type { keySchema } from '#contract/api.ts';
import { permissionCatalogue } from '#contract/permissions.ts';
import { callAdmin } from '#main/admin/call-admin.ts';
import { type Invocation, runCommand, UsageProblem } from '#main/admin/command.ts';
import { printJson, printLine, printTable } from '#main/admin/print.ts';

export const help = `
usage: casemate key create --scope SCOPE [--scope SCOPE…] [--name NAME] [--expires-days N]
       casemate key ls
       casemate key revoke ID

API keys for programs. A key is printed once, when it is created, and may never do more than the
owner may. Revoking one ends its open connections at once.

  --scope SCOPE       '*' for everything, or one of the scopes below; may be repeated
  --name NAME         what it is for (default: "key")
  --expires-days N    1 to 3650 (default: it does not expire)
  --data DIR          data directory of the instance
  -o json             machine-readable

scopes:
${Object.entries(permissionCatalogue)
  .map(([name, meaning]) => `  ${name.padEnd(18)}  ${meaning}`)
  .join('\n')}
`;

type Key = z.infer<typeof keySchema>;

const options = {
  scope: { type: 'string', multiple: true },
  name: { type: 'string', default: 'key' },
  'expires-days': { type: 'string' },
} as const;

export const run = (args: string[]): Promise<number> =>
  runCommand({ help, options }, args, async (invocation) => {
    const [verb, ...words] = invocation.words;
    if (verb === 'create' && words.length === 0) return create(invocation);
    if (verb === 'ls' && words.length === 0) return list(invocation);
    if (verb === 'revoke' && words.length === 1) return revoke(invocation, words[0] ?? '');
    throw new UsageProblem('say create, ls or revoke ID');
  });

async function create({ values, data, json }: Invocation): Promise<undefined> {
  const scopes = ((values['scope'] as string[] | undefined) ?? []).flatMap((scope) => scope.split(','));
  if (scopes.length === 0) throw new UsageProblem('name at least one --scope');
  const unknown = scopes.find((scope) => scope !== '*' && !Object.hasOwn(permissionCatalogue, scope));
  if (unknown !== undefined) throw new UsageProblem(`${unknown} is not a scope`);
  const days = values['expires-days'] as string | undefined;
  if (days !== undefined && !/^[1-9]\d{0,3}$/.test(days)) throw new UsageProblem('--expires-days takes 1 to 3650');
  const key = (await callAdmin(data, 'POST', '/admin/keys', {
    name: values['name'],
    scopes,
    ...(days === undefined ? {} : { expiresInDays: Number(days) }),
  })) as Key & { secret: string };
  if (json) return printJson(key) as undefined;
  printLine(key.secret);
  // To the other stream, so that `KEY=$(casemate key create …)` holds the key alone.
  process.stderr.write(`Key ${key.id} (${key.scopes.join(' ')}). It is not shown again.\n`);
  return undefined;
}

async function list({ data, json }: Invocation): Promise<undefined> {
  const items: Key[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await callAdmin(data, 'GET', `/api/v1/keys?limit=200${query}`)) as {
      items: Key[];
      cursor: string | null;
    };
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== null);
  if (json) return printJson(items) as undefined;
  const state = (key: Key) => {
    if (key.revokedAt !== null) return 'revoked';
    return key.expiresAt !== null && Date.parse(key.expiresAt) <= Date.now() ? 'expired' : 'active';
  };
  printTable(
    ['ID', 'NAME', 'KEY', 'STATE', 'SCOPES', 'CREATED', 'EXPIRES', 'LAST USED'],
    items.map((key) => [
      key.id,
      key.name,
      `${key.prefix}…`,
      state(key),
      key.scopes.join(' '),
      key.createdAt,
      key.expiresAt,
      key.lastUsedAt,
    ]),
  );
  return undefined;
}

async function revoke({ data, json }: Invocation, id: string): Promise<undefined> {
  await callAdmin(data, 'DELETE', `/api/v1/keys/${encodeURIComponent(id)}`);
  if (json) printJson({ id, revoked: true });
  else printLine(`Key ${id} is revoked.`);
  return undefined;
}
