import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { totalmem } from 'node:os';
import { dirname } from 'node:path';
import type { Config } from '#config/config.ts';
import { alertsFile, readAlerts } from '#main/up/alerts.ts';
import { dataPaths } from '#main/up/paths.ts';
import { type Finding, ok } from '#main/doctor/finding.ts';

const gibibyte = 1_073_741_824;
const leastMemory = 2 * gibibyte;
const leastDisk = 5 * gibibyte;
const leastInodes = 200_000;

export async function examineMachine(config: Config, running: boolean): Promise<readonly Finding[]> {
  return [
    running ? ok(`port ${config.port}`, 'in use by Casemate itself') : await judgePort(config),
    judgeClock(),
    judgeMemory(),
    ...judgeDisk('data', config.data),
    ...judgeDisk('cache', config.cache),
    judgeNode(),
    ...judgeAlerts(config.data),
  ];
}

function judgePort(config: Config): Promise<Finding> {
  const what = `port ${config.port}`;
  return new Promise((settle) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      settle({
        what,
        verdict: 'bad',
        saw: error.code === 'EADDRINUSE' ? 'another program listens on it' : `cannot be used (${error.code})`,
        mend: `ss -ltnp 'sport = :${config.port}'   # shows which; or ./casemate up --port N`,
      }),
    );
    server.listen({ host: config.host, port: config.port, exclusive: true }, () =>
      server.close(() => settle(ok(what, `free on ${config.host}`))),
    );
  });
}

/** Sessions, set-up links and chains of evidence lean on the time. */
function judgeClock(): Finding {
  const what = 'clock';
  const built = Date.UTC(2026, 0, 1);
  if (Date.now() < built) {
    return {
      what,
      verdict: 'bad',
      saw: `${new Date().toISOString()} is in the past`,
      mend: 'timedatectl set-ntp true',
    };
  }
  const synchronised = existsSync('/run/systemd/timesync/synchronized') || existsSync('/run/chrony');
  return ok(what, `${new Date().toISOString()}${synchronised ? ', synchronised' : ''}`);
}

function judgeMemory(): Finding {
  const size = `${(totalmem() / gibibyte).toFixed(1)} GiB`;
  if (totalmem() >= leastMemory) return ok('memory', size);
  return {
    what: 'memory',
    verdict: 'warn',
    saw: `${size}; two or more are wanted`,
    mend: 'give the machine more memory',
  };
}

function judgeDisk(name: string, directory: string): Finding[] {
  let place = directory;
  while (!existsSync(place)) place = dirname(place);
  const { bavail, bsize, ffree, files } = statfsSync(place);
  const free = bavail * bsize;
  const findings: Finding[] = [];
  const shown = `${(free / gibibyte).toFixed(1)} GiB free at ${place}`;
  findings.push(
    free >= leastDisk
      ? ok(`disk for ${name}`, shown)
      : {
          what: `disk for ${name}`,
          verdict: 'bad',
          saw: `${shown}; 5 are wanted`,
          mend: `df -h ${place}; free some room`,
        },
  );
  // Some file systems make inodes as they go, and report none.
  if (files > 0 && ffree < leastInodes) {
    findings.push({
      what: `inodes for ${name}`,
      verdict: 'bad',
      saw: `${ffree} free`,
      mend: `df -i ${place}; remove files`,
    });
  } else findings.push(ok(`inodes for ${name}`, files === 0 ? 'made as needed' : `${ffree} free`));
  return findings;
}

function judgeAlerts(data: string): Finding[] {
  if (process.getuid?.() !== 0) return [];
  const paths = dataPaths(data);
  const alerts = readAlerts(paths);
  const last = alerts.at(-1);
  if (!last) return [ok('alerts', 'none')];
  return [
    {
      what: 'alerts',
      verdict: 'bad',
      saw: `${alerts.length}, the last at ${last.time}: ${last.text}`,
      mend: `look into each, then rm ${alertsFile(paths)}`,
    },
  ];
}

function judgeNode(): Finding {
  const libraries = readFileSync('/proc/self/maps', 'utf8').includes('libc.so.6');
  return libraries
    ? ok('Node', `${process.version} at ${process.execPath}`)
    : { what: 'Node', verdict: 'bad', saw: `${process.version} is not built for glibc`, mend: 'use Debian or Ubuntu' };
}
