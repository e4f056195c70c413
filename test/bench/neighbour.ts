import { setTimeout as wait } from 'node:timers/promises';
import { echoes } from './echoes.ts';
import { percentile } from './percentile.ts';
import type { BenchRow } from './row.ts';
import { openCasemateShell, type Shell } from './shell.ts';
import { signedInInstance } from './signed-in-instance.ts';

const rounds = 3;
const echoesPerRound = 200;
/** What a hostile sandbox does all at once: prints, forks, fills memory and writes to its disk. */
const hostile = [
  '(while :; do seq 1 100000; done) &',
  '(while :; do (:) & (:) & (:) & wait; done) 2>/dev/null &',
  `(while :; do python3 -c 'x = bytearray(200_000_000)'; done) &`,
  '(while :; do head -c 200M /dev/zero > ~/filled; rm -f ~/filled; done) 2>/dev/null &',
];

/** Echo in one sandbox while another does its worst, against the same echo when that one is quiet. */
export async function measureNeighbour(): Promise<BenchRow[]> {
  await using system = await signedInInstance();
  const open = async (name: string): Promise<Shell> => {
    const workspace = await system.api('POST', '/workspaces', { name });
    const terminal = await system.api('POST', `/workspaces/${String(workspace.json['id'])}/terminals`, {});
    const shell = await openCasemateShell(system.origin, system.cookie, String(terminal.json['id']));
    const ready = shell.until('READY-NOW');
    shell.type("exec bash --norc --noprofile\nPS1='$ '; printf 'READY-%s\\n' NOW\n");
    await ready;
    return shell;
  };
  await using quiet = await open('quiet');
  await using loud = await open('loud');
  await wait(2000);
  const times = { quiet: [] as number[], beside: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    times.quiet.push(...(await echoes(quiet, echoesPerRound)));
    loud.type(`${hostile.join(' ')}\n`);
    await wait(2000);
    times.beside.push(...(await echoes(quiet, echoesPerRound)));
    loud.type('kill $(jobs -p); pkill -f bytearray; pkill seq; pkill head\n');
    await wait(3000);
  }
  const row = (name: string, part: number, goals: BenchRow['goals']): BenchRow => ({
    name: `echo beside a hostile sandbox, ${name}; floor: it is quiet`,
    unit: 'ms',
    value: percentile(times.beside, part),
    floor: percentile(times.quiet, part),
    goals,
  });
  return [row('p50', 0.5, []), row('p99', 0.99, [{ of: 'ratio', atMost: 3 }])];
}
