import { readdirSync, readFileSync } from 'node:fs';
import { reapChild } from '#kernel/pidfd.ts';
import { idsPerRange } from '#warden/uid-ranges.ts';

/**
 * Reaps children that nobody waits for. As a subreaper this process inherits what runtimes leave
 * behind; a zombie of theirs inside a sandbox would keep the sandbox's init, and with it the sandbox,
 * from ever ending (pid_namespaces(7)).
 */
export interface Orphans extends Disposable {
  /** Reaps at once every dead child whose uid lies in the range, apart from those that are watched. */
  reapRange(firstUid: number): void;
}

/** Between two looks a child of Node's own is reaped by Node, and a program just started is watched. */
const lookEveryMs = 2000;

interface Child {
  readonly pid: number;
  readonly dead: boolean;
  readonly uid: number;
}

export function createOrphans(isWatched: (pid: number) => boolean): Orphans {
  let seen = new Set<number>();
  const look = (): void => {
    let all: Child[];
    try {
      all = children();
    } catch (error) {
      // No descriptor is left for the look; the next one finds the same.
      if (['EMFILE', 'ENFILE'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
      throw error;
    }
    const dead = all.filter((child) => child.dead && !isWatched(child.pid));
    for (const { pid } of dead) if (seen.has(pid)) reapChild(pid);
    seen = new Set(dead.map(({ pid }) => pid));
  };
  const timer = setInterval(look, lookEveryMs);
  timer.unref();
  return {
    reapRange(firstUid) {
      for (const { pid, dead, uid } of children()) {
        if (dead && uid >= firstUid && uid < firstUid + idsPerRange && !isWatched(pid)) reapChild(pid);
      }
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** Children of all threads of this process. */
function children(): Child[] {
  return childPids().flatMap((pid) => {
    let status: string;
    try {
      status = readFileSync(`/proc/${pid}/status`, 'latin1');
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' || code === 'ESRCH') return [];
      throw error;
    }
    if (/^PPid:\t(\d+)/m.exec(status)?.[1] !== String(process.pid)) return [];
    return [{ pid, dead: /^State:\tZ/m.test(status), uid: Number(/^Uid:\t(\d+)/m.exec(status)?.[1]) }];
  });
}

function childPids(): number[] {
  const numbers = (text: string): number[] => text.split(' ').filter(Boolean).map(Number);
  try {
    return readdirSync('/proc/self/task').flatMap((thread) =>
      numbers(readFileSync(`/proc/self/task/${thread}/children`, 'latin1')),
    );
  } catch {
    // A kernel without CONFIG_PROC_CHILDREN, or a thread that ended: look at every process.
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  }
}
