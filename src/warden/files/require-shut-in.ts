import { readdirSync, readFileSync, statSync } from 'node:fs';

/** Throws unless every thread of the process has given up all that it must not have. */
export function requireShutIn(pid: number, uid: number, emptyDirectory: string): void {
  const nothing = '0000000000000000';
  const wanted = { CapInh: nothing, CapPrm: nothing, CapEff: nothing, CapAmb: nothing, NoNewPrivs: '1', Seccomp: '2' };
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1');
    const field = (name: string): string => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';
    const ids = [...field('Uid').split(/\s+/), ...field('Gid').split(/\s+/)];
    const wrong = Object.entries(wanted).find(([name, value]) => field(name) !== value);
    if (wrong || field('Groups') !== '' || ids.some((id) => Number(id) !== uid)) {
      throw new Error(`thread ${thread} is not shut in: ${wrong?.[0] ?? 'ids'}`);
    }
  }
  const [root, empty] = [statSync(`/proc/${pid}/root`), statSync(emptyDirectory)];
  if (root.dev !== empty.dev || root.ino !== empty.ino) throw new Error('its root is not the empty directory');
}
