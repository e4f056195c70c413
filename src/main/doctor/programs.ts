import { type Finding, ok } from '#main/doctor/finding.ts';
import { judgeRuntime } from '#main/doctor/runtime-versions.ts';
import { runProgram } from '#main/prepare/program.ts';

/** Programs that `up` runs, and the Debian packages that carry them. */
const programs = {
  crun: 'crun',
  mmdebstrap: 'mmdebstrap',
  'tini-static': 'tini',
  'mkfs.ext4': 'e2fsprogs',
  ip: 'iproute2',
  setpriv: 'util-linux',
  mount: 'mount',
  useradd: 'passwd',
} as const;

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

async function find(name: string): Promise<string | null> {
  const found = await runProgram('sh', ['-c', `command -v -- "$1"`, 'sh', name], {
    environment: { PATH: path },
  }).catch(() => '');
  return found.trim() || null;
}

export async function examinePrograms(): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [name, debianPackage] of Object.entries(programs)) {
    const found = await find(name);
    findings.push(
      found
        ? ok(name, found)
        : { what: name, verdict: 'bad', saw: 'not installed', mend: `apt-get install --yes ${debianPackage}` },
    );
  }
  for (const runtime of ['crun', 'runsc'] as const) {
    const found = await find(runtime);
    if (!found) continue;
    const { verdict, reason } = judgeRuntime(runtime, await runProgram(found, ['--version']), Date.now());
    findings.push({
      what: `${runtime} version`,
      verdict,
      saw: reason,
      ...(verdict === 'ok' ? {} : { mend: `apt-get install --only-upgrade ${runtime}` }),
    });
  }
  return findings;
}
