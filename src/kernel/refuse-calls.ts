import { arch } from 'node:process';
import koffi from 'koffi';
import { checked, libc } from '#kernel/libc.ts';

const prctl = libc.func('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)');
const seccompCall = libc.func(
  'long syscall(long number, unsigned long operation, unsigned long flags, const uint8_t *program)',
);
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1;

const machines = {
  x64: { audit: 0xc000003e, seccomp: 317, foreignBit: 0x40000000 },
  arm64: { audit: 0xc00000b7, seccomp: 277, foreignBit: 0xffffffff },
} as const;
const code = { load: 0x20, equal: 0x15, atLeast: 0x35, answer: 0x06 } as const;
const answers = { allow: 0x7fff0000, notPermitted: 0x00050001, killProcess: 0x80000000 } as const;

/**
 * From here on each of these system calls, by its number on this machine, is answered EPERM on every
 * thread of this process and of its descendants (seccomp(2), TSYNC). Another architecture's calls end it. Sets
 * no_new_privs. It cannot be undone. Throws a SystemError when the kernel refuses: the process must then stop.
 */
export function refuseCalls(numbers: readonly number[]): void {
  const machine = machines[arch as keyof typeof machines];
  if (!machine) throw new Error(`no filter of system calls is known for ${arch}`);
  checked('prctl', prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  const refused = [code.answer, 0, 0, answers.notPermitted] as const;
  const rows = [
    [code.load, 0, 0, 4],
    [code.equal, 1, 0, machine.audit],
    [code.answer, 0, 0, answers.killProcess],
    [code.load, 0, 0, 0],
    [code.atLeast, 0, 1, machine.foreignBit],
    refused,
    ...numbers.flatMap((number) => [[code.equal, 0, 1, number] as const, refused]),
    [code.answer, 0, 0, answers.allow],
  ] as const;
  // struct sock_filter: u16 code, u8 jump if true, u8 jump if false, u32 value.
  const filter = Buffer.alloc(rows.length * 8);
  rows.forEach(([operation, yes, no, value], row) => {
    filter.writeUInt16LE(operation, row * 8);
    filter.writeUInt8(yes, row * 8 + 2);
    filter.writeUInt8(no, row * 8 + 3);
    filter.writeUInt32LE(value, row * 8 + 4);
  });
  // struct sock_fprog: u16 length, pointer.
  const program = Buffer.alloc(16);
  program.writeUInt16LE(rows.length, 0);
  program.writeBigUInt64LE(koffi.address(filter), 8);
  checked('seccomp', seccompCall(machine.seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, program));
}
