import type { Log } from '#channel/log.ts';
import type { WardenConfig } from '#config/process.ts';
import type { Tier } from '#contract/warden.ts';
import { createCrun } from '#warden/runtimes/crun/crun.ts';
import type { Launcher } from '#warden/processes/launch.ts';
import type { Runtime } from '#warden/runtimes/runtime.ts';

/** Debian's tini-static: reaps, and needs nothing of the template. */
const initProgram = '/usr/bin/tini-static';

/** One row a tier. */
const makers: Partial<Record<Tier, typeof createCrun>> = { crun: createCrun };

/** The tiers that this machine offers, by the configuration's programs. */
export function createRuntimes(
  programs: WardenConfig['runtimes'],
  stateDirectory: string,
  launcher: Launcher,
  log: Log,
): ReadonlyMap<Tier, Runtime> {
  const runtimes = new Map<Tier, Runtime>();
  for (const [tier, program] of Object.entries(programs) as [Tier, string][]) {
    const make = makers[tier];
    if (make)
      runtimes.set(tier, make({ program, stateDirectory: `${stateDirectory}/${tier}`, initProgram, launcher, log }));
    else log.warn({ tier }, 'this version has no runtime of that tier; it is not offered');
  }
  return runtimes;
}
