import { closeSync, readSync } from 'node:fs';
import { setNonblocking } from '#kernel/nonblocking.ts';
import { openPipe } from '#kernel/pipe.ts';
import { pidfdOpen, pidfdSignal } from '#kernel/pidfd.ts';
import { spawnProgram } from '#kernel/spawn.ts';
import type { ExitWatch } from '#warden/processes/exit-watch.ts';
import { type ProgramResult, programVariables } from '#warden/processes/run-program.ts';

/** Becomes the descriptors 0–2 of a program. They stay the caller's. */
export interface ProgramDescriptors {
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
}

/**
 * Runs the programs that somebody waits for: several milliseconds quicker than Node's own way, which
 * copies the page tables of this process, and with no descriptor but 0–2, whatever is open here (H1).
 */
export interface Launcher {
  /** Runs it on these descriptors and answers its status; null when a signal ended it. */
  run(
    program: string,
    parameters: readonly string[],
    streams: ProgramDescriptors,
    timeoutMs: number,
  ): Promise<number | null>;
  /**
   * Runs it on pipes, never on /dev/null: crun gives its standard streams to the sandbox's user. What it
   * says must fit in a pipe, and is answered when it fails; a process that it leaves behind may hold them.
   */
  runQuietly(program: string, parameters: readonly string[], timeoutMs: number): Promise<ProgramResult>;
}

const SIGKILL = 9;
const pipeBytes = 65_536;

export function createLauncher(exits: ExitWatch): Launcher {
  const run: Launcher['run'] = async (program, parameters, streams, timeoutMs) => {
    const pid = spawnProgram({ program, parameters, environment: programVariables, streams });
    // Nobody else reaps it before this call has watched it, in the same turn.
    const pidfd = pidfdOpen(pid);
    const timer = setTimeout(() => pidfdSignal(pidfd, SIGKILL), timeoutMs);
    try {
      return (await exits.ended(pidfd)).exitCode;
    } finally {
      clearTimeout(timer);
      closeSync(pidfd);
    }
  };

  return {
    run,
    async runQuietly(program, parameters, timeoutMs) {
      const [input, output] = [openPipe(), openPipe()];
      // Its input is at an end from the start.
      closeSync(input.writeFd);
      let writable = true;
      try {
        const streams = { stdin: input.readFd, stdout: output.writeFd, stderr: output.writeFd };
        const status = await run(program, parameters, streams, timeoutMs);
        // Something must be there to read, since a process left behind may keep the pipe from ending.
        closeSync(output.writeFd);
        writable = false;
        return { status, output: status === 0 ? '' : readAvailable(output.readFd) };
      } finally {
        closeSync(input.readFd);
        closeSync(output.readFd);
        if (writable) closeSync(output.writeFd);
      }
    },
  };
}

/** What lies in a pipe now. */
function readAvailable(fd: number): string {
  setNonblocking(fd);
  const bytes = Buffer.alloc(pipeBytes);
  try {
    return bytes.toString('utf8', 0, readSync(fd, bytes));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return '';
    throw error;
  }
}
