import { randomBytes } from 'node:crypto';
import { mintId, type SandboxId, type TeamId } from '#base/ids.ts';
import type { Channel } from '#channel/connect.ts';
import type { Resources, Tier, wardenMethods } from '#contract/warden.ts';
import { keyPlaceholder } from '#warden/guest-environment.ts';
import { attackDoors } from '#main/attack/doors.ts';
import { execute, type Owned } from '#main/attack/execute.ts';
import { attackByExhaustion } from '#main/attack/exhaustion.ts';
import { attackFromInside } from '#main/attack/inside.ts';
import type { Outcome } from '#main/attack/probe.ts';
import { allProbes } from '#main/attack/probes/all-probes.ts';
import { type Scene, setScene } from '#main/attack/scene.ts';

/** Small, so that bombs are over soon. */
export const attackedResources: Resources = {
  memoryMiB: 128,
  cpuPercent: 50,
  processes: 48,
  diskMiB: 64,
  inodes: 4096,
};

const neighbourPort = 47_001;

const newId = <Id extends string>(): Id => mintId<Id>((bytes) => Uint8Array.from(randomBytes(bytes.length)));

/** Two sandboxes of a tier, of two teams: one attacks, the other is its neighbour. Both are gone at the end. */
export async function attackTier(
  warden: Channel<typeof wardenMethods>,
  tier: Tier,
  options: { readonly signal?: AbortSignal; readonly resources?: Resources } = {},
): Promise<Outcome[]> {
  await using scene = await setScene();
  const create = async (changes: Partial<Resources>): Promise<Owned> => {
    const owned = { sandboxId: newId<SandboxId>(), teamId: newId<TeamId>() };
    options.signal?.throwIfAborted();
    const all = { ...(options.resources ?? attackedResources), ...changes };
    await warden.call('sandbox.create', {
      ...{ ...owned, tier, resources: all },
      ...{ workspaceId: null, template: 'base', environment: {} },
    });
    return owned;
  };
  const made: Owned[] = [];
  const stop = new AbortController();
  const stopped = options.signal ? { signal: options.signal } : {};
  try {
    // Processor time for the many attempts; the bombs are set off in a sandbox with less.
    const attacker = await create({ cpuPercent: 100 });
    made.push(attacker);
    const neighbour = await create({ cpuPercent: 100 });
    made.push(neighbour);
    const listening = listenInside(warden, neighbour, scene, stop.signal);
    const given = {
      ...{ mark: scene.mark, file: scene.file, canary: scene.canary, port: scene.port, abstract: scene.abstract },
      ...{ neighbour: await listening.port, hostName: scene.hostName, placeholder: keyPlaceholder },
    };
    const interpret = async (user: 'user' | 'root', input: string): Promise<string> =>
      (await execute(warden, attacker, { user, program: ['/usr/bin/python3', '-'], input, ...stopped })).output;
    const inside = await attackFromInside(allProbes, given, interpret, () => scene.seen());
    const doors = await attackDoors({ warden, attacker, neighbour, scene, stranger: newId<TeamId>() });
    await warden.call('sandbox.kill', attacker);
    options.signal?.throwIfAborted();
    const bomber = await create({});
    made.push(bomber);
    const bombs = await attackByExhaustion({ warden, attacker: bomber, neighbour, limits: attackedResources });
    return [...inside, ...doors, ...bombs];
  } finally {
    stop.abort();
    for (const owned of made) await warden.call('sandbox.kill', owned);
  }
}

/** A port and an abstract socket inside the neighbour, which answer with the mark. */
function listenInside(
  warden: Channel<typeof wardenMethods>,
  neighbour: Owned,
  scene: Scene,
  signal: AbortSignal,
): { readonly port: Promise<number> } {
  const program = [
    'import selectors, socket',
    'chosen = selectors.DefaultSelector()',
    `port = socket.create_server(("127.0.0.1", ${neighbourPort}))`,
    'name = socket.socket(socket.AF_UNIX)',
    `name.bind("\\0${scene.mark}"); name.listen()`,
    'for one in (port, name): chosen.register(one, selectors.EVENT_READ)',
    'print("listening", flush=True)',
    'while True:',
    '  for key, _ in chosen.select():',
    '    taken, _ = key.fileobj.accept()',
    '    taken.close()',
  ];
  const port = new Promise<number>((settle, fail) => {
    const run = execute(warden, neighbour, {
      ...{ user: 'user', program: ['/usr/bin/python3', '-'], input: program.join('\n'), timeoutMs: 600_000, signal },
      onOutput: () => settle(neighbourPort),
    });
    run.then(
      ({ output }) => fail(new Error(`the neighbour does not listen: ${output}`)),
      (cause: unknown) => fail(new Error('the neighbour cannot listen', { cause })),
    );
  });
  return { port };
}
