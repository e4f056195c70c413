import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';

/** Pids whose cgroup lies under `casemate-<instance>`: all that runs in that instance's sandboxes. */
export function sandboxProcesses(instance: string): number[] {
  const found: number[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (readFileSync(`/proc/${name}/cgroup`, 'utf8').includes(`casemate-${instance}`)) found.push(Number(name));
    } catch (error) {
      // It ended between the listing and the look.
      if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return found;
}

/** Reads the writable memory of a process and tells whether `needle` is in it. Counts the bytes it looked at. */
export function searchMemory(pid: number, needle: Buffer): { found: boolean; bytes: number } {
  let bytes = 0;
  let found = false;
  const descriptor = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const match = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
      if (!match) continue;
      const start = Number.parseInt(match[1] as string, 16);
      const end = Number.parseInt(match[2] as string, 16);
      const chunk = Buffer.alloc(1_048_576 + needle.length);
      for (let at = start; at < end; at += 1_048_576) {
        let read = 0;
        try {
          read = readSync(descriptor, chunk, 0, Math.min(chunk.length, end - at), at);
        } catch (error) {
          // Guard pages cannot be read.
          if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
        }
        bytes += read;
        if (chunk.subarray(0, read).includes(needle)) found = true;
      }
    }
  } finally {
    closeSync(descriptor);
  }
  return { found, bytes };
}
