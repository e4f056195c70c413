import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { CasemateError } from '#contract/errors.ts';
import type { Log } from '#channel/log.ts';
import type { Launcher } from '#warden/processes/launch.ts';
import { rootCapabilities } from '#warden/runtimes/crun/capabilities.ts';
import { processDocument, specification } from '#warden/runtimes/crun/specification.ts';
import type { Runtime } from '#warden/runtimes/runtime.ts';

export interface CrunOptions {
  readonly program: string;
  /** crun's own state (`--root`). */
  readonly stateDirectory: string;
  /** A static init that reaps, bound into each sandbox. */
  readonly initProgram: string;
  readonly launcher: Launcher;
  readonly log: Log;
}

const startPatienceMs = 30_000;
const executePatienceMs = 20_000;

/** The tier of Linux namespaces: crun, for code that is half trusted. */
export function createCrun(options: CrunOptions): Runtime {
  const root = ['--root', options.stateDirectory, '--cgroup-manager', 'cgroupfs'];
  const { launcher } = options;
  let serial = 0;

  const failure = async (message: string, logFile: string): Promise<CasemateError> => {
    const reason = await lastMessage(logFile);
    options.log.warn({ reason }, message);
    // crun has no codes: these two of its sentences are the only way to tell a wrong program from a fault.
    if (/executable file .* not found|: No such file or directory$/.test(reason)) {
      return new CasemateError('not_found', 'There is no such program in the sandbox.');
    }
    if (reason.endsWith(': Permission denied')) {
      return new CasemateError('forbidden', 'The program in the sandbox may not be executed.');
    }
    return new CasemateError('sandbox_failed', message);
  };

  return {
    tier: 'crun',
    async start(sandbox, userNamespaceFd) {
      const { bundle, runtimeLog } = sandbox.paths;
      const userNamespace = `/proc/${process.pid}/fd/${userNamespaceFd}`;
      mkdirSync(bundle, { recursive: true, mode: 0o700 });
      const document = JSON.stringify(specification(sandbox, options.initProgram, userNamespace));
      writeFileSync(`${bundle}/config.json`, document, { mode: 0o600 });
      const pidFile = `${bundle}/init.pid`;
      const parameters = ['run', '--detach', '--bundle', bundle, '--pid-file', pidFile, sandbox.id];
      const { status } = await launcher.runQuietly(
        options.program,
        [...root, '--log', runtimeLog, ...parameters],
        startPatienceMs,
      );
      if (status !== 0) {
        options.log.error({ reason: await lastMessage(runtimeLog) }, 'crun did not start a sandbox');
        throw new CasemateError('sandbox_failed', 'The sandbox did not start; nothing of it was kept.');
      }
      return Number(readFileSync(pidFile, 'utf8'));
    },

    async execute(sandbox, program, streams) {
      serial += 1;
      const name = `${sandbox.paths.bundle}/exec-${serial}`;
      const files = { process: `${name}.json`, pid: `${name}.pid`, log: `${name}.log` };
      const size = 'consoleSocket' in streams ? streams : undefined;
      const capabilities = program.user === 'root' ? rootCapabilities : [];
      try {
        writeFileSync(files.process, JSON.stringify(processDocument(program, capabilities, size)), { mode: 0o600 });
        const parameters = ['exec', '--detach', '--process', files.process, '--pid-file', files.pid];
        if ('consoleSocket' in streams) parameters.push('--console-socket', streams.consoleSocket);
        const all = [...root, '--log', files.log, ...parameters, sandbox.id];
        const status =
          'consoleSocket' in streams
            ? (await launcher.runQuietly(options.program, all, executePatienceMs)).status
            : await launcher.run(options.program, all, streams, executePatienceMs);
        if (status !== 0) throw await failure('The program could not be started in the sandbox.', files.log);
        return Number(readFileSync(files.pid, 'utf8'));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        throw new CasemateError('no_space', 'The server has no disk space to start a program. The sandbox runs on.', {
          cause: error,
        });
      } finally {
        for (const file of Object.values(files)) rmSync(file, { force: true });
      }
    },

    async remove(id) {
      const { status, output } = await launcher.runQuietly(
        options.program,
        [...root, 'delete', '--force', id],
        startPatienceMs,
      );
      if (status !== 0 && !/does not exist|No such file/i.test(output)) {
        throw new Error(`crun delete ended with ${status ?? 'a signal'}: ${output.trim().slice(0, 300)}`);
      }
    },
  };
}

async function lastMessage(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
}
