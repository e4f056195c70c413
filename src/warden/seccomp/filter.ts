import { allowedCalls, inspectedCalls, refusedCalls, type SystemCalls } from '#warden/seccomp/system-calls.ts';

export type Machine = 'x64' | 'arm64';

/** Offsets into struct seccomp_data (seccomp(2)); arguments are 64 bits wide, the low word first. */
const offsetOf = { number: 0, architecture: 4, argument: (index: number) => 16 + 8 * index } as const;
const code = { load: 0x20, jumpEqual: 0x15, jumpGreaterOrEqual: 0x35, jumpAnyBit: 0x45, return: 0x06 } as const;
const allow = 0x7fff0000;
const errorOf = (errno: number): number => 0x00050000 | errno;
const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;
const EPROTONOSUPPORT = 93;
const killProcess = 0x80000000;

const auditArchitecture = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
/** x32 calls carry this bit on x86-64. */
const foreignCallBit = 0x40000000;

/** CLONE_NEW* of clone(2); CLONE_NEWTIME exists for clone3 and unshare only, which are refused whole. */
const newNamespaces = 0x7e020000;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
const families = { unix: 1, inet: 2, inet6: 10, netlink: 16 } as const;
/** Unspecified, ICMP, TCP, UDP, ICMPv6. */
const internetProtocols = [0, 1, 6, 17, 58];
const NETLINK_ROUTE = 0;
/** Linux, PER_LINUX32, no address randomisation (debuggers), UNAME26 and the query. */
const personalities = [0, 0x0008, 0x0040000, 0x0020000, 0x0020008, 0xffffffff];

type Row = readonly [code: number, yes: number, no: number, value: number];

const answer = (value: number): Row => [code.return, 0, 0, value];
const whenEqual = (value: number, rows: readonly Row[]): Row[] => [[code.jumpEqual, 0, rows.length, value], ...rows];
const load = (offset: number): Row => [code.load, 0, 0, offset];

/** Rows that decide each inspected call; the system call's number is lost, so each ends in an answer. */
const inspections: Readonly<Record<keyof typeof inspectedCalls, readonly Row[]>> = {
  clone: [load(offsetOf.argument(0)), [code.jumpAnyBit, 0, 1, newNamespaces], answer(errorOf(EPERM)), answer(allow)],
  // The kernel takes the low word of the request only, and so does this.
  ioctl: [
    load(offsetOf.argument(1)),
    ...whenEqual(TIOCSTI, [answer(errorOf(EPERM))]),
    ...whenEqual(TIOCLINUX, [answer(errorOf(EPERM))]),
    answer(allow),
  ],
  socket: [
    load(offsetOf.argument(0)),
    ...whenEqual(families.unix, [answer(allow)]),
    ...whenEqual(families.netlink, [
      load(offsetOf.argument(2)),
      ...whenEqual(NETLINK_ROUTE, [answer(allow)]),
      answer(errorOf(EPROTONOSUPPORT)),
    ]),
    // inet: 2 rows further on; inet6: the next but one; all others are refused.
    [code.jumpEqual, 2, 0, families.inet],
    [code.jumpEqual, 1, 0, families.inet6],
    answer(errorOf(EAFNOSUPPORT)),
    load(offsetOf.argument(2)),
    ...internetProtocols.flatMap((protocol) => whenEqual(protocol, [answer(allow)])),
    answer(errorOf(EPROTONOSUPPORT)),
  ],
  socketpair: [load(offsetOf.argument(0)), ...whenEqual(families.unix, [answer(allow)]), answer(errorOf(EAFNOSUPPORT))],
  personality: [
    load(offsetOf.argument(0)),
    ...personalities.flatMap((value) => whenEqual(value, [answer(allow)])),
    answer(errorOf(EPERM)),
  ],
};

/**
 * The classic BPF program (seccomp(2), SECCOMP_SET_MODE_FILTER) for every process of a sandbox (H14):
 * an allow-list; new namespaces, the mount family and the rest of `refusedCalls` answer EPERM; what
 * nobody listed, clone3 among it, answers ENOSYS, so that libraries fall back to older calls; another
 * architecture's calls end the process.
 */
export function seccompFilter(machine: Machine): Buffer {
  const column = machine === 'x64' ? 0 : 1;
  const numbers = (calls: SystemCalls): number[] =>
    Object.values(calls).flatMap((pair) => (pair[column] === null ? [] : [pair[column]]));
  const rows: Row[] = [
    load(offsetOf.architecture),
    [code.jumpEqual, 1, 0, auditArchitecture[machine]],
    answer(killProcess),
    load(offsetOf.number),
  ];
  if (machine === 'x64') rows.push([code.jumpGreaterOrEqual, 0, 1, foreignCallBit], answer(killProcess));
  for (const [name, inspection] of Object.entries(inspections)) {
    const number = inspectedCalls[name as keyof typeof inspectedCalls][column];
    if (number !== null) rows.push(...whenEqual(number, inspection));
  }
  for (const number of numbers(allowedCalls)) rows.push(...whenEqual(number, [answer(allow)]));
  for (const number of numbers(refusedCalls)) rows.push(...whenEqual(number, [answer(errorOf(EPERM))]));
  rows.push(answer(errorOf(ENOSYS)));
  return encode(rows);
}

/** struct sock_filter: u16 code, u8 jump if true, u8 jump if false, u32 value. */
function encode(rows: readonly Row[]): Buffer {
  const program = Buffer.alloc(rows.length * 8);
  rows.forEach(([operation, yes, no, value], row) => {
    program.writeUInt16LE(operation, row * 8);
    program.writeUInt8(yes, row * 8 + 2);
    program.writeUInt8(no, row * 8 + 3);
    program.writeUInt32LE(value, row * 8 + 4);
  });
  return program;
}
