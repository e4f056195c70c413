import { setTimeout as wait } from 'node:timers/promises';
import { echoes } from './echoes.ts';
import { percentile } from './percentile.ts';
import type { BenchRow } from './row.ts';
import { openBareShell, openCasemateShell, type Shell } from './shell.ts';
import { signedInInstance } from './signed-in-instance.ts';

const rounds = 6;
const echoesPerRound = 150;
const floods = 4;
const fileMiB = 48;

/** MiB/s of a text file shown by `cat`, in lines of 120. */
async function flood(shell: Shell): Promise<number> {
  const started = performance.now();
  const shown = shell.until('END-OF-FILE');
  shell.type("cat lines; printf 'END-OF-%s\\n' FILE\n");
  const bytes = await shown;
  const seconds = (performance.now() - started) / 1000;
  await wait(200);
  return bytes / 1_048_576 / seconds;
}

async function prepare(shell: Shell): Promise<void> {
  const started = shell.until('READY-NOW');
  shell.type("PS1='$ '; printf 'READY-%s\\n' NOW\n");
  await started;
  const written = shell.until('WRITTEN-NOW');
  shell.type(
    `cd "$(mktemp -d)"; head -c ${fileMiB * 768}K /dev/urandom | base64 -w 120 > lines; printf 'WRITTEN-%s\\n' NOW\n`,
  );
  await written;
  await wait(300);
}

/** Echo and throughput through sign-in, sandbox, recording and flow control, against node-pty and ws alone. */
export async function measureTerminal(): Promise<BenchRow[]> {
  await using system = await signedInInstance();
  const workspace = await system.api('POST', '/workspaces', { name: 'bench' });
  const size = { columns: 120, rows: 40 };
  const terminal = await system.api('POST', `/workspaces/${String(workspace.json['id'])}/terminals`, { size });
  await using casemate = await openCasemateShell(system.origin, system.cookie, String(terminal.json['id']));
  await using bare = await openBareShell();
  const ready = casemate.until('READY-SHELL');
  casemate.type("exec bash --norc --noprofile\n printf 'READY-%s\\n' SHELL\n");
  await ready;
  await prepare(casemate);
  await prepare(bare);
  const echo = { casemate: [] as number[], bare: [] as number[] };
  const rate = { casemate: [] as number[], bare: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    echo.bare.push(...(await echoes(bare, echoesPerRound)));
    echo.casemate.push(...(await echoes(casemate, echoesPerRound)));
  }
  for (let round = 0; round < floods; round += 1) {
    rate.bare.push(await flood(bare));
    rate.casemate.push(await flood(casemate));
  }
  const bareTmp = bare.until('REMOVED-NOW');
  bare.type("rm -f lines; cd /; printf 'REMOVED-%s\\n' NOW\n");
  await bareTmp;
  return [
    {
      name: 'echo of a typed letter, p50',
      unit: 'ms',
      value: percentile(echo.casemate, 0.5),
      floor: percentile(echo.bare, 0.5),
      goals: [{ of: 'ratio', atMost: 1.5 }],
    },
    {
      name: 'echo of a typed letter, p99',
      unit: 'ms',
      value: percentile(echo.casemate, 0.99),
      floor: percentile(echo.bare, 0.99),
      goals: [{ of: 'ratio', atMost: 2 }],
    },
    {
      name: 'output of one terminal, median',
      unit: 'MiB/s',
      value: percentile(rate.casemate, 0.5),
      floor: percentile(rate.bare, 0.5),
      goals: [
        { of: 'value', atLeast: 30 },
        { of: 'ratio', atLeast: 0.6 },
      ],
      anyGoal: true,
    },
  ];
}
