import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { lockExclusively } from '#kernel/flock.ts';
import type { DataPaths } from '#main/up/paths.ts';

/** Above what distributions, containers and systemd give out, and below 2^31. */
const firstUid = 1_000_013_824;
const rangeSize = 65_536;
/** Ranges of one instance, one for each workspace and sandbox that has files. */
const rangesPerInstance = 1000;
const mostInstances = 17;
const registryFile = '/var/lib/casemate-instances.json';

const instanceSchema = z.strictObject({
  /** `[a-z0-9]{8}`; names cgroups and network doors. */
  name: z.string().regex(/^[a-z0-9]{8}$/),
  uidRanges: z.strictObject({ first: z.number().int(), count: z.number().int() }),
});
export type Instance = z.infer<typeof instanceSchema>;
const registrySchema = z.record(z.string(), z.number().int());

/**
 * This data directory's name and uids, chosen once. Instances of one machine never share a range:
 * strangers stay strangers even after an escape. The list of blocks lies outside every data directory.
 */
export async function loadInstance(paths: DataPaths): Promise<Instance> {
  const known = knownInstance(paths);
  if (known) return known;
  const lock = await lockRegistry();
  try {
    const registry = existsSync(registryFile)
      ? registrySchema.parse(JSON.parse(readFileSync(registryFile, 'utf8')))
      : {};
    // A block is free again when the data directory is gone, and with it every file of its uids.
    const taken = Object.entries(registry).filter(([directory]) => directory !== paths.root && existsSync(directory));
    const blocks = new Set(taken.map(([, block]) => block));
    const block = Array.from({ length: mostInstances }, (_, index) => index).find((index) => !blocks.has(index));
    if (block === undefined) throw new Error(`this machine has ${mostInstances} instances already (${registryFile})`);
    const instance: Instance = {
      name: randomBytes(4).toString('hex'),
      uidRanges: { first: firstUid + block * rangesPerInstance * rangeSize, count: rangesPerInstance },
    };
    replaceFile(registryFile, JSON.stringify({ ...Object.fromEntries(taken), [paths.root]: block }, null, 2));
    replaceFile(paths.instance, JSON.stringify(instance));
    return instance;
  } finally {
    closeSync(lock);
  }
}

/** The instance of a data directory, or null where there is none. */
export function knownInstance(paths: DataPaths): Instance | null {
  if (!existsSync(paths.instance)) return null;
  return instanceSchema.parse(JSON.parse(readFileSync(paths.instance, 'utf8')));
}

/** Gives the block of uids back, once the data is gone. Answers with how many instances this machine still has. */
export async function forgetInstance(paths: DataPaths): Promise<number> {
  if (!existsSync(registryFile)) return 0;
  const lock = await lockRegistry();
  try {
    const registry = registrySchema.parse(JSON.parse(readFileSync(registryFile, 'utf8')));
    const others = Object.entries(registry).filter(([directory]) => directory !== paths.root && existsSync(directory));
    if (others.length > 0) replaceFile(registryFile, JSON.stringify(Object.fromEntries(others), null, 2));
    else for (const file of [registryFile, `${registryFile}.lock`]) rmSync(file, { force: true });
    return others.length;
  } finally {
    closeSync(lock);
  }
}

/** Opens the registry's lock; its descriptor holds it. */
async function lockRegistry(): Promise<number> {
  mkdirSync(dirname(registryFile), { recursive: true });
  const fd = openSync(`${registryFile}.lock`, 'w', 0o600);
  for (let attempt = 0; ; attempt += 1) {
    try {
      lockExclusively(fd);
      return fd;
    } catch (error) {
      if (attempt === 100) throw error;
      await wait(50);
    }
  }
}

function replaceFile(path: string, content: string): void {
  writeFileSync(`${path}.new`, `${content}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
