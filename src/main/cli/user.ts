import { callAdmin } from '#main/admin/call-admin.ts';
import { runCommand, UsageProblem } from '#main/admin/command.ts';
import { printJson, printTable } from '#main/admin/print.ts';

export const help = `
usage: casemate user ls

Who has an account on this server.

  --data DIR   data directory of the instance
  -o json      machine-readable
`;

interface User {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly createdAt: string;
  readonly disabled: boolean;
}

export const run = (args: string[]): Promise<number> =>
  runCommand({ help }, args, async ({ words, data, json }) => {
    if (words.length !== 1 || words[0] !== 'ls') throw new UsageProblem('say ls');
    const { items } = (await callAdmin(data, 'GET', '/admin/users')) as { items: User[] };
    if (json) printJson(items);
    else {
      printTable(
        ['ID', 'E-MAIL', 'NAME', 'STATE', 'CREATED'],
        items.map((user) => [user.id, user.email, user.name, user.disabled ? 'disabled' : 'active', user.createdAt]),
      );
    }
    return undefined;
  });
