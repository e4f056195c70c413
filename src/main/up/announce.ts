import { spawn } from 'node:child_process';
import { hostname } from 'node:os';
import type { Config } from '#config/config.ts';
import { endsTls, publicOrigin } from '#config/tls.ts';
import { tunnelCommand, tunnelPort } from '#main/up/tunnel.ts';

/** Where a person goes: FRONTEND_URL, or this machine's own address. */
export function baseUrl(config: Config): string {
  const origin = publicOrigin(config);
  if (origin !== null) return origin;
  if (endsTls(config)) return config.port === 443 ? 'https://localhost' : `https://localhost:${config.port}`;
  return config.port === 80 ? 'http://localhost' : `http://localhost:${config.port}`;
}

/**
 * Where a person on this machine goes. A certificate from outside never names localhost, so with a port
 * for plain HTTP it is that one, which is the app for who is on this machine.
 */
export function localAddress(config: Config): { readonly origin: string; readonly port: number } {
  const tls = endsTls(config);
  const port = tls && config.httpPort !== null ? config.httpPort : config.port;
  const scheme = tls && config.httpPort === null ? 'https' : 'http';
  return { origin: `${scheme}://localhost:${port}`, port };
}

/** The lines that say where to go next. `setupPath` is there until an owner exists. */
export function announcement(config: Config, setupPath: string | null, environment: NodeJS.ProcessEnv): string[] {
  // The set-up route answers on loopback only, whatever FRONTEND_URL says.
  const { origin, port } = localAddress(config);
  const far = environment.SSH_CONNECTION !== undefined;
  const local = far ? origin.replace(/:\d+$/, `:${tunnelPort(port)}`) : origin;
  const lines = ['', 'Casemate is ready.', ''];
  if (setupPath) {
    lines.push('  Make your account with this link (once, on this machine):', `  ${local}${setupPath}`);
    if (far) {
      const user = environment.SUDO_USER ?? environment.USER ?? 'root';
      const address = (environment.SSH_CONNECTION ?? '').split(' ')[2] ?? hostname();
      lines.push(
        '',
        '  You are here over SSH. Type this on your own machine first, then open the link there:',
        `  ${tunnelCommand(port, `${user}@${address}`)}`,
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
