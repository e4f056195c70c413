import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { callAdmin } from '#main/admin/call-admin.ts';
import { runCommand, UsageProblem } from '#main/admin/command.ts';
import { printJson, printLine } from '#main/admin/print.ts';
import { tunnelCommand, tunnelPort } from '#main/up/tunnel.ts';

export const help = `
usage: casemate open [--print]

Prints where the app is, and opens it where there is a desktop. Before there is an owner this is
the one-time set-up link.

  --print      only print
  --data DIR   data directory of the instance
  -o json      machine-readable
`;

interface Status {
  readonly origin: string;
  readonly localOrigin: string;
  readonly setupNeeded: boolean;
}

export const run = (args: string[]): Promise<number> =>
  runCommand({ help, options: { print: { type: 'boolean', default: false } } }, args, async (invocation) => {
    const { words, data, json, values } = invocation;
    if (words.length > 0) throw new UsageProblem('open takes no words');
    const status = (await callAdmin(data, 'GET', '/admin/status')) as Status;
    const url = status.setupNeeded
      ? ((await callAdmin(data, 'GET', '/admin/setup-link')) as { url: string }).url
      : status.origin;
    if (json) printJson({ url, setupNeeded: status.setupNeeded });
    else {
      printLine(url);
      const tunnel = tunnelFor(status);
      if (tunnel) printLine(`From your own machine, first: ${tunnel}`);
    }
    if (!json && !values['print'] && hasDesktop()) await openInBrowser(url);
    return undefined;
  });

/** Set-up works on loopback only, so over SSH it needs a tunnel. */
function tunnelFor({ setupNeeded, localOrigin }: Status): string | null {
  const address = process.env['SSH_CONNECTION']?.split(' ')[2];
  if (!setupNeeded || address === undefined) return null;
  const { port, protocol } = new URL(localOrigin);
  const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
  const there = number === tunnelPort(number) ? '' : `, and localhost:${tunnelPort(number)} in the link`;
  return `${tunnelCommand(number, `${process.env['USER'] ?? 'root'}@${address}`)}${there}`;
}

const hasDesktop = (): boolean => process.env['DISPLAY'] !== undefined || process.env['WAYLAND_DISPLAY'] !== undefined;

async function openInBrowser(url: string): Promise<void> {
  const child = spawn('xdg-open', [url], { stdio: 'ignore', detached: true });
  const outcome = await Promise.race([
    once(child, 'spawn').then(() => 'opened' as const),
    once(child, 'error').then(() => 'absent' as const),
  ]);
  child.unref();
  if (outcome === 'absent') printLine('There is no xdg-open here; open the address yourself.');
}
