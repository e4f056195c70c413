import { arch } from 'node:process';
import { deniedCalls } from '#kernel/denied-calls.ts';

const machines = {
  x64: { audit: 0xc000003e, clone: 56, execve: 59, execveat: 322, ioctl: 16, socket: 41, foreignBit: 0x40000000 },
  arm64: { audit: 0xc00000b7, clone: 220, execve: 221, execveat: 281, ioctl: 29, socket: 198, foreignBit: 0 },
} as const;
const CLONE3 = 435;

const LOAD_WORD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER_OR_EQUAL = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const failure = (errno: number): number => 0x00050000 | errno;
const EPERM = failure(1);
const ENOSYS = failure(38);
const EAFNOSUPPORT = failure(97);
/** Offset in struct seccomp_data of the lower half of an argument. */
const argument = (index: number): number => 16 + 8 * index;
/** CLONE_NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET and NEWNS. */
const newNamespaces = 0x7e020000;
const families = { unix: 1, ipv4: 2, ipv6: 10, netlink: 16 } as const;
/** Bytes and commands that a terminal's other side would take for typed ones (ioctl_tty(2)). */
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;

type Row = readonly [code: number, yes: number, no: number, value: number];

function machine(): (typeof machines)['x64' | 'arm64'] {
  if (arch === 'x64' || arch === 'arm64') return machines[arch];
  throw new Error(`no filter of system calls is known for ${arch}`);
}

/** Kills a foreign architecture, answers `errno` to the calls of a foreign table, and leaves the number loaded. */
function prologue(errno: number): Row[] {
  const { audit, foreignBit } = machine();
  const rows: Row[] = [
    [LOAD_WORD, 0, 0, 4],
    [JUMP_EQUAL, 1, 0, audit],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD_WORD, 0, 0, 0],
  ];
  if (foreignBit !== 0) rows.push([JUMP_GREATER_OR_EQUAL, 0, 1, foreignBit], [RETURN, 0, 0, errno]);
  return rows;
}

const answer = (call: number, value: number): Row[] => [
  [JUMP_EQUAL, 0, 1, call],
  [RETURN, 0, 0, value],
];

/** These calls, by their numbers on this machine, answer EPERM. */
export function withoutCalls(numbers: readonly number[]): Buffer {
  return encode([...prologue(EPERM), ...numbers.flatMap((number) => answer(number, EPERM)), [RETURN, 0, 0, ALLOW]]);
}

/** execve and execveat answer EPERM. */
export function withoutPrograms(): Buffer {
  const { execve, execveat } = machine();
  return withoutCalls([execve, execveat]);
}

/** What {@link deniedCalls} says, and by argument: new namespaces, foreign socket families, forged terminal input. */
export function withoutSurface(): Buffer {
  const { clone, ioctl, socket } = machine();
  const rows: Row[] = [...prologue(ENOSYS)];
  for (const numbers of Object.values(deniedCalls)) {
    const number = numbers[arch === 'arm64' ? 1 : 0];
    if (number !== null) rows.push(...answer(number, EPERM));
  }
  // Its flags lie in memory, which a filter cannot read; the C library falls back to clone.
  rows.push(...answer(CLONE3, ENOSYS));
  const judge = (call: number, index: number, body: readonly Row[]): void => {
    rows.push([JUMP_EQUAL, 0, body.length + 1, call], [LOAD_WORD, 0, 0, argument(index)], ...body);
  };
  judge(clone, 0, [
    [JUMP_ANY_BIT, 0, 1, newNamespaces],
    [RETURN, 0, 0, EPERM],
    [RETURN, 0, 0, ALLOW],
  ]);
  judge(ioctl, 1, [...answer(TIOCSTI, EPERM), ...answer(TIOCLINUX, EPERM), [RETURN, 0, 0, ALLOW]]);
  const admitted = Object.values(families).flatMap((family): Row[] => answer(family, ALLOW));
  judge(socket, 0, [...admitted, [RETURN, 0, 0, EAFNOSUPPORT]]);
  rows.push([RETURN, 0, 0, ALLOW]);
  return encode(rows);
}

/** Rows of struct sock_filter. */
function encode(rows: readonly Row[]): Buffer {
  const buffer = Buffer.alloc(rows.length * 8);
  rows.forEach(([code, yes, no, value], row) => {
    buffer.writeUInt16LE(code, row * 8);
    buffer.writeUInt8(yes, row * 8 + 2);
    buffer.writeUInt8(no, row * 8 + 3);
    buffer.writeUInt32LE(value >>> 0, row * 8 + 4);
  });
  return buffer;
}
