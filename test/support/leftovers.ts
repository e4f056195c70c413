import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type TestWarden, tracesOf } from './start-warden.ts';

/** Everything of an instance that a sandbox may leave behind. */
export async function leftovers(warden: TestWarden) {
  const { instance, stateDirectory, uidRanges } = warden.config;
  const inRange = (uid: number): boolean => uid >= uidRanges.first && uid < uidRanges.first + uidRanges.count * 65_536;
  const processes = readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    const status = statusText(name);
    // A zombie waits for the init of the host after a restart.
    return !/^State:\tZ/m.test(status) && inRange(Number(/^Uid:\t(\d+)/m.exec(status)?.[1]));
  });
  const groups = readdirSync('/sys/fs/cgroup')
    .map((name) => `/sys/fs/cgroup/${name}/casemate-${instance}`)
    .concat(`/sys/fs/cgroup/casemate-${instance}`)
    .filter((path) => existsSync(path))
    .flatMap((path) =>
      readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name),
    );
  const { mounts, loops } = await tracesOf(warden);
  const ranges = existsSync(`${stateDirectory}/ranges/ranges.json`)
    ? Object.values(JSON.parse(readFileSync(`${stateDirectory}/ranges/ranges.json`, 'utf8')))
    : [];
  return {
    processes: processes.length,
    groups: groups.length,
    // One is the directory of mounts itself, which lives as long as the warden.
    mounts: mounts.length - 1,
    loops: loops.length,
    sandboxes: readdirSync(`${stateDirectory}/sandboxes`).length,
    directories: readdirSync(`/run/casemate-${instance}`).length,
    runtime: existsSync(`${stateDirectory}/runtime/crun`) ? readdirSync(`${stateDirectory}/runtime/crun`).length : 0,
    ranges: ranges.length,
    descriptors: readdirSync(`/proc/${warden.pid}/fd`).length,
  };
}

export const nothingLeft = {
  processes: 0,
  groups: 0,
  mounts: 0,
  loops: 0,
  sandboxes: 0,
  directories: 0,
  runtime: 0,
  ranges: 0,
};

/** Empty when the process is gone. */
function statusText(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return '';
  }
}
