import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Settings of the machine that no attempt may have changed, and the attempt that would have. */
const watched: Readonly<Record<string, string>> = {
  '/proc/sys/kernel/core_pattern': 'core-pattern',
  '/proc/sys/kernel/modprobe': 'modprobe-path',
  '/proc/sys/kernel/sysrq': 'sysrq',
  '/proc/sys/kernel/hostname': 'hostname',
  '/proc/sys/vm/overcommit_memory': 'overcommit',
  '/proc/sys/fs/protected_symlinks': 'protected-links',
  '/proc/sys/user/max_user_namespaces': 'userns-limit',
};

/** Bait on the host: a file, a process, a port on loopback and an abstract socket, all with one mark. */
export interface Scene extends AsyncDisposable {
  readonly mark: string;
  readonly file: string;
  readonly canary: number;
  readonly port: number;
  readonly abstract: string;
  readonly hostName: string;
  /** What was reached, as seen from here: probe → sentence. Asked once, at the end. */
  seen(): Promise<ReadonlyMap<string, string>>;
}

const settings = (): Map<string, string> =>
  new Map(
    Object.keys(watched)
      .filter((path) => existsSync(path))
      .map((path) => [path, readFileSync(path, 'utf8')]),
  );

export async function setScene(): Promise<Scene> {
  const mark = `casemate-bait-${randomBytes(8).toString('hex')}`;
  const directory = await mkdtemp(join(tmpdir(), 'casemate-attack-'));
  const file = join(directory, 'bait');
  await writeFile(file, mark, { mode: 0o666 });
  const canary: ChildProcess = spawn('/bin/sh', ['-c', 'read line', mark], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
  });
  await once(canary, 'spawn');
  const reached = new Map<string, string>();
  const listen = async (probe: string, where: { port: number; host: string } | string): Promise<Server> => {
    const server = createServer((socket) => {
      reached.set(probe, 'a connection came');
      socket.on('error', () => {});
      socket.end(mark);
    });
    server.listen(where);
    await once(server, 'listening');
    return server;
  };
  const port = await listen('host-loopback', { port: 0, host: '127.0.0.1' });
  const abstract = await listen('host-abstract', `\0${mark}-host`);
  const address = port.address();
  if (address === null || typeof address === 'string' || canary.pid === undefined) throw new Error('no bait was laid');
  const before = settings();

  return {
    mark,
    file,
    canary: canary.pid,
    port: address.port,
    abstract: `${mark}-host`,
    hostName: hostname(),
    async seen() {
      if (canary.exitCode !== null || canary.signalCode !== null) {
        reached.set('host-signal', `the process of the host ended by ${canary.signalCode ?? canary.exitCode}`);
      } else if (!/^TracerPid:\t0$/m.test(readFileSync(`/proc/${canary.pid}/status`, 'utf8'))) {
        reached.set('host-ptrace', 'the process of the host is traced');
      }
      if (readFileSync(file, 'utf8') !== mark) reached.set('host-file', 'the file of the host was written');
      const after = settings();
      for (const [path, value] of before) {
        if (after.get(path) !== value) reached.set(watched[path] ?? path, `${path} of the host changed`);
      }
      return reached;
    },
    async [Symbol.asyncDispose]() {
      canary.kill('SIGKILL');
      await Promise.all([port, abstract].map((server) => new Promise((done) => server.close(done))));
      await rm(directory, { recursive: true, force: true });
    },
  };
}
