import type { TeamId } from '#base/ids.ts';
import type { Channel } from '#channel/connect.ts';
import { CasemateError } from '#contract/errors.ts';
import type { wardenMethods } from '#contract/warden.ts';
import { execute, type Owned } from '#main/attack/execute.ts';
import type { Outcome } from '#main/attack/probe.ts';
import type { Scene } from '#main/attack/scene.ts';

/** What the attack of the doors works with: the warden's own methods, used as a server gone bad would. */
export interface DoorContext {
  readonly warden: Channel<typeof wardenMethods>;
  readonly attacker: Owned;
  readonly neighbour: Owned;
  readonly scene: Scene;
  /** A team that owns nothing. */
  readonly stranger: TeamId;
}

interface DoorProbe {
  readonly id: string;
  readonly what: string;
  /** Answers what was reached, or null; a refusal by the warden (CasemateError) is one that held. */
  readonly act: (context: DoorContext) => Promise<string | null>;
}

const workingDirectory = (id: string, path: string): DoorProbe => ({
  id,
  what: `start a program in ${path}`,
  act: async ({ warden, attacker, scene }) => {
    const run = await execute(warden, attacker, {
      user: 'user',
      program: ['/bin/sh', '-c', 'pwd; cat ".$1" "../..$1"', 'sh', scene.file],
      workingDirectory: path,
    });
    return `it started${run.output.includes(scene.mark) ? ' and read a file of the host' : ''}`;
  },
});

/** Reads a path of the sandbox through the file methods; reached when the bait is what comes. */
const reading = (id: string, what: string, prepare: string, path: (scene: Scene) => string): DoorProbe => ({
  id,
  what,
  act: async ({ warden, attacker, scene }) => {
    await execute(warden, attacker, { user: 'user', program: ['/bin/sh', '-c', prepare, 'sh', scene.file] });
    const at = { path: path(scene), encoding: 'utf8' as const };
    const call = warden.open('file.read', { ...attacker, at, offset: 0, length: 4096 });
    call.end();
    let text = '';
    const collect = async (): Promise<void> => {
      for await (const { payload } of call.items) text += String(payload);
    };
    await Promise.all([call.done, collect()]);
    return text.includes(scene.mark) ? 'a file of the host was read' : null;
  },
});

const doorProbes: readonly DoorProbe[] = [
  workingDirectory('cwd-descriptor', '/proc/self/fd/3'),
  workingDirectory('cwd-init', '/proc/1/cwd'),
  workingDirectory('cwd-root', '/proc/self/root'),
  reading(
    'file-symlink',
    'have a link of its own followed to the host',
    'ln -sfn "$1" ~/bait',
    () => '/home/user/bait',
  ),
  reading(
    'file-directory-symlink',
    'have a link to a directory followed to the host',
    'ln -sfn "$(dirname "$1")" ~/baits',
    () => '/home/user/baits/bait',
  ),
  reading('file-dots', 'have a path climb above its root', ':', ({ file }) => `/home/user${'/..'.repeat(20)}${file}`),
  reading('file-proc', 'have a path lead through /proc', ':', ({ file }) => `/proc/self/root${file}`),
  {
    id: 'file-write',
    what: 'have a file of the host replaced through a link',
    act: async ({ warden, attacker, scene }) => {
      await execute(warden, attacker, { user: 'user', program: ['ln', '-sfn', scene.file, '/home/user/target'] });
      const at = { path: '/home/user/target', encoding: 'utf8' as const };
      const call = warden.open('file.write', { ...attacker, at, mode: 0o644 });
      await call.send({}, Buffer.from('attacked'));
      call.end();
      await call.done;
      return (await scene.seen()).get('host-file') ?? null;
    },
  },
  {
    id: 'loader-variable',
    what: 'have a program of root load its library (LD_PRELOAD)',
    act: async ({ warden, attacker }) => {
      const call = warden.open('exec.run', {
        ...attacker,
        arguments: ['/bin/true'],
        workingDirectory: { path: '/' },
        environment: { LD_PRELOAD: '/tmp/mine.so' },
        user: 'root',
        timeoutMs: 5000,
      });
      call.end();
      await call.done;
      return 'the variable was taken';
    },
  },
  {
    id: 'other-team-exec',
    what: 'start a program in the sandbox of another team',
    act: async ({ warden, neighbour, stranger }) => {
      await execute(warden, { ...neighbour, teamId: stranger }, { user: 'user', program: ['/bin/true'] });
      return 'it started';
    },
  },
  {
    id: 'other-team-kill',
    what: 'end the sandbox of another team',
    act: async ({ warden, neighbour, stranger }) => {
      await warden.call('sandbox.kill', { ...neighbour, teamId: stranger });
      return 'it was ended';
    },
  },
];

export async function attackDoors(context: DoorContext): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { id, what, act } of doorProbes) {
    const settled = await act(context).then(
      (reached) => ({ reached, saw: reached ?? 'nothing of the host came' }),
      (error: unknown) => {
        if (!(error instanceof CasemateError) || error.code === 'internal') throw error;
        return { reached: null, saw: error.code };
      },
    );
    const verdict = settled.reached === null ? 'held' : 'did not hold';
    outcomes.push({ id, category: 'doors', what, verdict, saw: settled.saw });
  }
  return outcomes;
}
