import { closeSync, readFileSync } from 'node:fs';
import { pidfdOpen } from '#kernel/pidfd.ts';
import type { ProcessMark } from '#warden/sandboxes/sandbox-record.ts';

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** Start time of `pid`, or undefined when there is no such process. */
function startTicks(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
  // The command's name may hold anything, so fields are counted from its last parenthesis.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

/** Marks a process that is known to be alive or a child not yet reaped, so that `pid` cannot have passed on. */
export function markProcess(pid: number): ProcessMark {
  return { pid, startTicks: startTicks(pid) ?? '', bootId: bootId() };
}

/** Opens the marked process as a pidfd, or answers undefined when it is gone, whoever has its pid now. */
export function openMarked(mark: ProcessMark): number | undefined {
  if (mark.bootId !== bootId()) return undefined;
  let pidfd: number;
  try {
    pidfd = pidfdOpen(mark.pid);
  } catch (error) {
    if ((error as { code?: string }).code === 'ESRCH') return undefined;
    throw error;
  }
  // Read after opening: from here on the descriptor holds the process that has the pid.
  if (startTicks(mark.pid) === mark.startTicks) return pidfd;
  closeSync(pidfd);
  return undefined;
}
