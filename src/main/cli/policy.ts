import type { Egress, Workspace } from '#contract/api.ts';
import { type Destination, destinationSchema, type Policy, policyPresets, policySchema } from '#contract/policy.ts';
import { callAdmin } from '#main/admin/call-admin.ts';
import { type Invocation, runCommand, UsageProblem } from '#main/admin/command.ts';
import { printJson, printLine, printTable } from '#main/admin/print.ts';

export const help = `
usage: casemate policy show WORKSPACE
       casemate policy allow WORKSPACE HOST[:PORT[,PORT…]]
       casemate policy set WORKSPACE coding|closed|-
       casemate policy egress WORKSPACE

What may leave a workspace's sandbox. Nothing that is not named may. A change takes effect at once,
for open connections too.

  WORKSPACE   its id or its name
  HOST        a name, or *.name for everything below it; ports default to 443
  set … -     reads a whole policy as JSON from standard input
  egress      what left and what was refused, newest first
  --data DIR  data directory of the instance
  -o json     machine-readable
`;

export const run = (args: string[]): Promise<number> =>
  runCommand({ help }, args, async (invocation) => {
    const [verb, name, value, ...rest] = invocation.words;
    if (name === undefined || rest.length > 0)
      throw new UsageProblem('say show, allow, set or egress, and a workspace');
    if (verb === 'show' && value === undefined) return show(invocation, name);
    if (verb === 'egress' && value === undefined) return egress(invocation, name);
    if (verb === 'allow' && value !== undefined) return allow(invocation, name, value);
    if (verb === 'set' && value !== undefined) return set(invocation, name, value);
    throw new UsageProblem('say show WORKSPACE, allow WORKSPACE HOST, set WORKSPACE POLICY or egress WORKSPACE');
  });

async function find(data: string, name: string): Promise<Workspace> {
  const found: Workspace[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await callAdmin(data, 'GET', `/api/v1/workspaces?limit=200${query}`)) as {
      items: Workspace[];
      cursor: string | null;
    };
    found.push(...page.items.filter((workspace) => workspace.id === name || workspace.name === name));
    cursor = page.cursor;
  } while (cursor !== null);
  if (found.length > 1) throw new UsageProblem(`several workspaces have that name; say one id of: ${ids(found)}`);
  if (!found[0]) throw new UsageProblem('there is no workspace of that id or name');
  return found[0];
}

const ids = (workspaces: readonly Workspace[]): string => workspaces.map((workspace) => workspace.id).join(', ');
const print = ({ host, ports }: Destination): string => `${host}:${ports.join(',')}`;

function report({ json }: Invocation, policy: Policy, preset: string): undefined {
  if (json) return printJson({ preset, policy }) as undefined;
  printLine(`policy  ${preset}`);
  printLine(`sets    ${policy.sets.join(' ') || 'none'}`);
  for (const destination of policy.allow) printLine(`allow   ${print(destination)}`);
  for (const destination of policy.deny) printLine(`deny    ${print(destination)}`);
  return undefined;
}

async function show(invocation: Invocation, name: string): Promise<undefined> {
  const workspace = await find(invocation.data, name);
  return report(invocation, workspace.policy, workspace.policyPreset);
}

async function allow(invocation: Invocation, name: string, text: string): Promise<undefined> {
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}(?:,\d{1,5})*))?$/.exec(text.toLowerCase());
  const ports = (match?.[2] ?? '443').split(',').map(Number);
  const destination = destinationSchema.safeParse({ host: match?.[1], ports });
  if (!destination.success) throw new UsageProblem('HOST is a name, *.name or an address, with ports after a colon');
  const { id } = await find(invocation.data, name);
  await callAdmin(invocation.data, 'POST', `/api/v1/workspaces/${id}/policy/allow`, destination.data);
  return show(invocation, id);
}

async function set(invocation: Invocation, name: string, value: string): Promise<undefined> {
  const { id } = await find(invocation.data, name);
  await callAdmin(invocation.data, 'PUT', `/api/v1/workspaces/${id}/policy`, await policyOf(value));
  return show(invocation, id);
}

async function policyOf(value: string): Promise<Policy> {
  if (value === 'coding' || value === 'closed') return policySchema.parse(policyPresets[value]);
  if (value !== '-') throw new UsageProblem('POLICY is coding, closed, or - for JSON on standard input');
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  try {
    return policySchema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  } catch (error) {
    throw new UsageProblem('standard input does not hold a policy: { "sets": [], "allow": [], "deny": [] }', {
      cause: error,
    });
  }
}

async function egress({ data, json }: Invocation, name: string): Promise<undefined> {
  const { id } = await find(data, name);
  const page = (await callAdmin(data, 'GET', `/api/v1/workspaces/${id}/egress?limit=100`)) as { items: Egress[] };
  if (json) printJson(page.items);
  else {
    printTable(
      ['TIME', 'OUTCOME', 'DESTINATION', 'WHY', 'CREDENTIAL'],
      page.items.map((event) => [
        event.time,
        event.allowed ? 'left' : 'refused',
        `${event.host}:${event.port}`,
        event.reason,
        event.credential,
      ]),
    );
  }
  return undefined;
}
