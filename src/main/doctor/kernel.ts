import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { landlockVersion } from '#kernel/landlock.ts';
import { missingControllers } from '#main/doctor/cgroups.ts';
import { type Finding, ok } from '#main/doctor/finding.ts';
import { mendCgroups, thisMachinesCgroups } from '#main/doctor/mend-cgroups.ts';
import { compareVersions } from '#main/doctor/runtime-versions.ts';
import { runProgram } from '#main/prepare/program.ts';

const textOf = (path: string): string | null => (existsSync(path) ? readFileSync(path, 'utf8').trim() : null);

/** mount_setattr with idmapped mounts came with 5.12, for overlayfs beneath with 5.19. */
const leastKernel = '5.19';

export async function examineKernel(): Promise<readonly Finding[]> {
  return [
    judgeKernel(release()),
    judgeUserNamespaces(),
    ...judgeAppArmor(),
    await judgeFilesystem('overlay'),
    await judgeFilesystem('ext4'),
    await judgeFilesystem('tmpfs'),
    judgeSeccomp(),
    judgeLandlock(landlockVersion()),
    judgeLoopDevices(),
    judgeCgroups(),
  ];
}

function judgeKernel(version: string): Finding {
  const what = 'kernel';
  if (compareVersions(version, leastKernel) >= 0) return ok(what, `${version} (pidfd, openat2, idmapped mounts)`);
  return {
    what,
    verdict: 'bad',
    saw: `${version}; idmapped mounts under overlayfs need ${leastKernel}`,
    mend: 'apt-get install linux-image-amd64 && reboot',
  };
}

function judgeUserNamespaces(): Finding {
  const what = 'user namespaces';
  const most = Number(textOf('/proc/sys/user/max_user_namespaces') ?? 0);
  if (existsSync('/proc/self/ns/user') && most > 0) return ok(what, `up to ${most}`);
  return { what, verdict: 'bad', saw: 'none may be made', mend: 'sysctl -w user.max_user_namespaces=15000' };
}

/** Ubuntu 23.10 and newer deny capabilities in user namespaces that unprivileged programs make. */
function judgeAppArmor(): Finding[] {
  const restricted = textOf('/proc/sys/kernel/apparmor_restrict_unprivileged_userns');
  if (restricted === null) return [];
  const what = 'AppArmor and user namespaces';
  // The warden makes namespaces as root, which the restriction does not concern.
  return [
    ok(what, restricted === '1' ? 'restricted for unprivileged programs; the warden is not one' : 'not restricted'),
  ];
}

async function judgeFilesystem(name: string): Promise<Finding> {
  const known = (): boolean => (textOf('/proc/filesystems') ?? '').split(/\s+/).includes(name);
  if (!known()) await runProgram('modprobe', [name]).catch(() => '');
  if (known()) return ok(`file system ${name}`, 'supported');
  return { what: `file system ${name}`, verdict: 'bad', saw: 'not supported by this kernel', mend: `modprobe ${name}` };
}

function judgeSeccomp(): Finding {
  const actions = textOf('/proc/sys/kernel/seccomp/actions_avail');
  if (actions?.includes('errno')) return ok('seccomp', 'filters');
  return {
    what: 'seccomp',
    verdict: 'bad',
    saw: 'no filters; sandboxes would see the whole kernel',
    mend: 'boot a kernel with CONFIG_SECCOMP_FILTER',
  };
}

/** Versions 4 and 6 brought TCP ports, and abstract sockets and signals (landlock(7)). */
export function judgeLandlock(version: number): Finding {
  const what = 'Landlock';
  if (version >= 6) return ok(what, `version ${version}: files, TCP ports, abstract sockets, signals`);
  const rest = 'mount namespaces, users and seccomp confine server and broker all the same';
  if (version > 0) {
    const lacks = version >= 4 ? 'abstract sockets and signals' : 'TCP ports, abstract sockets and signals';
    return { what, verdict: 'warn', saw: `version ${version} does not know ${lacks}; ${rest}` };
  }
  return {
    what,
    verdict: 'warn',
    saw: `not there; ${rest}`,
    mend: 'boot a kernel with CONFIG_SECURITY_LANDLOCK and with landlock in lsm=',
  };
}

function judgeLoopDevices(): Finding {
  if (existsSync('/dev/loop-control')) return ok('loop devices', '/dev/loop-control');
  return {
    what: 'loop devices',
    verdict: 'bad',
    saw: 'no /dev/loop-control; disks of workspaces need it',
    mend: 'modprobe loop',
    fix: async () => {
      await runProgram('modprobe', ['loop']);
      return 'loaded the loop driver';
    },
  };
}

function judgeCgroups(): Finding {
  const layout = thisMachinesCgroups();
  const what = 'control groups';
  const saw = `${layout.version} (${layout.controllers.join(' ')})`;
  if (layout.mend) {
    return {
      what,
      verdict: 'bad',
      saw: `${layout.version} without hugetlb, and crun refuses to start without it`,
      mend: layout.mend.map((words) => words.join(' ')).join(' && '),
      fix: async () => (await mendCgroups()) ?? 'it was mended already',
    };
  }
  const missing = missingControllers(layout);
  if (layout.version === 'none' || missing.length > 0) {
    return {
      what,
      verdict: 'bad',
      saw: `${saw}; missing: ${missing.join(' ')}`,
      mend: 'boot with systemd.unified_cgroup_hierarchy=1',
    };
  }
  return ok(what, saw);
}
