import { spawn } from 'node:child_process';
import { hostname } from 'node:os';
import type { Config } from '#config/config.ts';

/** Where a person goes: FRONTEND_URL, or this machine's own address. */
export function baseUrl(config: Config): string {
  if (config.frontendUrl) return config.frontendUrl;
  return config.port === 80 ? 'http://localhost' : `http://localhost:${config.port}`;
}

/** The lines that say where to go next. `setupPath` is there until an owner exists. */
export function announcement(config: Config, setupPath: string | null, environment: NodeJS.ProcessEnv): string[] {
  // The set-up route answers on loopback only, whatever FRONTEND_URL says.
  const local = `http://localhost:${config.port}`;
  const lines = ['', 'Casemate is ready.', ''];
  if (setupPath) {
    lines.push('  Make your account with this link (once, on this machine):', `  ${local}${setupPath}`);
    if (environment.SSH_CONNECTION) {
      const user = environment.SUDO_USER ?? environment.USER ?? 'root';
      const address = environment.SSH_CONNECTION.split(' ')[2] ?? hostname();
      lines.push(
        '',
        '  You are here over SSH. Type this on your own machine first, then open the link there:',
        `  ssh -L ${config.port}:localhost:${config.port} ${user}@${address}`,
      );
    }
  } else lines.push(`  ${baseUrl(config)}`);
  return [...lines, ''];
}

/** Opens a browser for the person at this machine's display, as that person; does nothing where there is none. */
export function openBrowser(url: string, environment: NodeJS.ProcessEnv): void {
  if (environment.SSH_CONNECTION || !(environment.DISPLAY || environment.WAYLAND_DISPLAY)) return;
  const person = environment.SUDO_USER;
  if (process.getuid?.() === 0 && !person) return;
  const [program, programArguments] = person ? ['runuser', ['-u', person, '--', 'xdg-open', url]] : ['xdg-open', [url]];
  const child = spawn(program as string, programArguments as string[], { stdio: 'ignore', detached: true });
  // Without a browser the link is on the screen all the same.
  child.once('error', () => undefined);
  child.unref();
}
