import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { statusSchema } from '../../src/main/up/status.ts';

const root = resolve(import.meta.dirname, '../..');

export interface Output {
  readonly code: number;
  readonly output: string;
}

/** Why whole instances cannot be started here, or null. */
export function lacking(): string | null {
  if (process.getuid?.() !== 0) return 'starting an instance needs root';
  const cache = process.env.CASEMATE_CACHE ?? '/var/cache/casemate';
  return existsSync(join(cache, 'templates/base')) ? null : `no base template in ${cache}; ./casemate test makes it`;
}

/** Runs the launcher as a person does, with `input` on its standard input, from this checkout or another. */
export function casemate(
  commandArguments: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  input = '',
  checkout = root,
): Promise<Output> {
  return new Promise((settle, fail) => {
    const child = spawn(join(checkout, 'casemate'), [...commandArguments], {
      // The same environment for all, because how npm and pip reach their registries decides which template is used.
      env: {
        ...process.env,
        NODE_TEST_CONTEXT: undefined,
        SSH_CONNECTION: undefined,
        CASEMATE_SHARED: undefined,
        ...environment,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stdin.on('error', fail);
    child.stdin.end(input);
    child.once('error', fail);
    child.once('close', (code) => settle({ code: code ?? 1, output }));
  });
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  const address = server.address();
  await new Promise((settle) => server.close(settle));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A data directory of its own, with a port, taken down and removed at the end. */
export async function temporaryInstance() {
  const data = await mkdtemp('/tmp/casemate-up-');
  const port = await freePort();
  const flags = ['--data', data, '--port', String(port), '--no-open'];
  const status = () => statusSchema.parse(JSON.parse(readFileSync(join(data, 'run/up/status.json'), 'utf8')));
  return {
    data,
    port,
    flags,
    status,
    pid(part: string): number {
      const pid = status().parts.find(({ name }) => name === part)?.pid;
      if (!pid) throw new Error(`${part} does not run`);
      return pid;
    },
    async until(what: string, condition: () => boolean | Promise<boolean>, patienceMs = 30_000): Promise<void> {
      const deadline = Date.now() + patienceMs;
      while (!(await condition())) {
        if (Date.now() > deadline) throw new Error(`${what}: not within ${patienceMs} ms`);
        await wait(100);
      }
    },
    async [Symbol.asyncDispose]() {
      await casemate(['down', '--data', data]);
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** Another checkout of the same code, to be changed and run. */
export async function copyCheckout(): Promise<string> {
  const copy = await mkdtemp('/tmp/casemate-checkout-');
  await chmod(copy, 0o755);
  const parts = ['casemate', 'src', 'web', 'migrations', 'package.json', 'package-lock.json', '.npmrc'];
  const files = [...parts, ...(await readdir(root)).filter((name) => /^tsconfig.*\.json$/.test(name))];
  for (const name of files) {
    await cp(join(root, name), join(copy, name), {
      recursive: true,
      filter: (path) => !/web\/dist|node_modules/.test(path),
    });
  }
  return copy;
}

/** Processes that run code or hold files of a data directory, by command line. */
export async function processesOf(data: string): Promise<string[]> {
  const { readFile } = await import('node:fs/promises');
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(data)) found.push(`${pid} ${line.replaceAll('\0', ' ')}`);
  }
  return found;
}

export const alive = (pid: number): boolean => existsSync(`/proc/${pid}/cmdline`);

export async function answers(port: number): Promise<boolean> {
  const reply = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
  return reply?.status === 200;
}
