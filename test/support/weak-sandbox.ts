import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A container without what makes one of ours a sandbox. */
export interface WeakSandbox extends AsyncDisposable {
  interpret(user: 'user' | 'root', program: string): Promise<string>;
}

/** In the order of their bits (capability.h). */
const names = [
  ...['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP'],
  ...['LINUX_IMMUTABLE', 'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER'],
  ...['SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE'],
  ...['SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD', 'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP'],
  ...['MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF'],
];
/** Root of a container has not all of them. */
const held = BigInt(`0x${/CapBnd:\s*(\w+)/.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]}`);
const everything = names.filter((_, bit) => (held >> BigInt(bit)) & 1n).map((name) => `CAP_${name}`);

/**
 * A network of its own with routes that lead nowhere, the address of a cloud's metadata, and a door that
 * opens to whatever is asked for. Runs what it is given in it.
 */
const weakNetwork = `
ip link set lo up
ip address add 169.254.169.254/32 dev lo
ip route add 192.0.2.0/24 dev lo
ip -6 route add 2001:db8::/32 dev lo || true
python3 -c '
import socket, threading
def serve(where, answer):
  listener = socket.create_server(where)
  while True:
    one, _ = listener.accept()
    one.recv(512) if answer else None
    one.sendall(answer); one.close()
threading.Thread(target=serve, args=(("127.0.0.1", 3128), b"HTTP/1.1 200 OK\\r\\n\\r\\n")).start()
serve(("169.254.169.254", 80), b"")
' < /dev/null > /dev/null &
listener=$!
until grep -q 0C38 /proc/net/tcp; do sleep 0.05; done
"$@"
status=$?
kill $listener
exit $status
`;

const must = (program: string, ...parameters: string[]): void => {
  const { status, stderr } = spawnSync(program, parameters, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
};

/**
 * crun on the base template with every capability of this process, without user namespace, filter,
 * masks, no_new_privs or limits.
 */
export async function weakSandbox(): Promise<WeakSandbox> {
  const directory = await mkdtemp('/tmp/casemate-weak-');
  const template = `${process.env['CASEMATE_CACHE'] ?? '/var/cache/casemate'}/templates/base/rootfs`;
  if (!existsSync(template)) throw new Error('the base template is not built');
  must('mount', '-t', 'tmpfs', 'weak', directory);
  const at = (name: string): string => join(directory, name);
  for (const name of ['upper', 'work', 'root', 'bundle', 'state']) await mkdir(at(name));
  must(
    'mount',
    '-t',
    'overlay',
    'weak',
    '-o',
    `lowerdir=${template},upperdir=${at('upper')},workdir=${at('work')}`,
    at('root'),
  );
  let serial = 0;
  return {
    async interpret(user, program) {
      serial += 1;
      const id = user === 'root' ? 0 : 1000;
      const sets = user === 'root' ? everything : [];
      const specification = {
        ociVersion: '1.0.2',
        process: {
          terminal: false,
          user: { uid: id, gid: id, additionalGids: [0] },
          args: ['/usr/bin/python3', '-'],
          env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/tmp', 'DATABASE_PASSWORD=bait'],
          cwd: '/tmp',
          noNewPrivileges: false,
          capabilities: { bounding: everything, effective: sets, permitted: sets, inheritable: [], ambient: [] },
        },
        root: { path: at('root'), readonly: false },
        hostname: 'weak',
        mounts: [
          { destination: '/proc', type: 'proc', source: 'proc' },
          { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
          { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
          { destination: '/sys', type: 'sysfs', source: 'sysfs' },
          { destination: '/sys/fs/cgroup', type: 'bind', source: '/sys/fs/cgroup', options: ['rbind'] },
        ],
        linux: { namespaces: ['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })) },
      };
      await writeFile(at('bundle/config.json'), JSON.stringify(specification));
      const parameters = ['--root', at('state'), '--cgroup-manager', 'disabled', 'run', '--bundle', at('bundle')];
      return new Promise((settle, fail) => {
        const crun = ['/usr/bin/crun', ...parameters, `weak${process.pid}x${serial}`];
        const shell = ['--net', '--', '/bin/sh', '-c', weakNetwork, 'sh', ...crun];
        const child = spawn('/usr/bin/unshare', shell, { timeout: 30_000 });
        let output = '';
        let errors = '';
        child.stdout.on('data', (bytes) => (output += bytes));
        child.stderr.on('data', (bytes) => (errors += bytes));
        child.stdin.end(program);
        child.once('error', fail);
        child.once('close', (status) =>
          output === '' ? fail(new Error(`crun: ${status} ${errors}`)) : settle(output),
        );
      });
    },
    async [Symbol.asyncDispose]() {
      must('umount', '--lazy', at('root'));
      must('umount', '--lazy', directory);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
