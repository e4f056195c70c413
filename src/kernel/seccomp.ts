import { arch } from 'node:process';
import koffi from 'koffi';
import { checked, libc } from '#kernel/libc.ts';

const prctl = libc.func('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)');
const syscallProgram = libc.func(
  'long syscall(long number, unsigned long operation, unsigned long flags, void *program)',
);

const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1;

const machines = {
  x64: { audit: 0xc000003e, seccomp: 317, denied: [59, 322], foreignBit: 0x40000000 },
  arm64: { audit: 0xc00000b7, seccomp: 277, denied: [221, 281], foreignBit: 0 },
} as const;

const LOAD_WORD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER_OR_EQUAL = 0x35;
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const ERROR_EPERM = 0x00050001;
const KILL_PROCESS = 0x80000000;

/** The classic BPF of {@link denyExecve}: execve and execveat answer EPERM, a foreign architecture is killed. */
function program(machine: (typeof machines)[keyof typeof machines]): Buffer {
  const rows: [code: number, yes: number, no: number, value: number][] = [
    [LOAD_WORD, 0, 0, 4],
    [JUMP_EQUAL, 1, 0, machine.audit],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD_WORD, 0, 0, 0],
  ];
  if (machine.foreignBit !== 0) {
    rows.push([JUMP_GREATER_OR_EQUAL, 0, 1, machine.foreignBit], [RETURN, 0, 0, ERROR_EPERM]);
  }
  for (const number of machine.denied) rows.push([JUMP_EQUAL, 0, 1, number], [RETURN, 0, 0, ERROR_EPERM]);
  rows.push([RETURN, 0, 0, ALLOW]);
  const buffer = Buffer.alloc(rows.length * 8);
  rows.forEach(([code, yes, no, value], row) => {
    buffer.writeUInt16LE(code, row * 8);
    buffer.writeUInt8(yes, row * 8 + 2);
    buffer.writeUInt8(no, row * 8 + 3);
    buffer.writeUInt32LE(value, row * 8 + 4);
  });
  return buffer;
}

const filterProgram = koffi.struct('sock_fprog', { length: 'uint16_t', filter: 'void *' });

/**
 * Takes from this process, all its threads and all their descendants the power to start a program:
 * sets no_new_privs and installs a seccomp filter on every thread (seccomp(2), TSYNC). It cannot be
 * undone. Throws a SystemError when the kernel refuses; a process that must be confined then stops.
 */
export function denyExecve(): void {
  const machine = machines[arch as keyof typeof machines];
  if (!machine) throw new Error(`no execve filter is known for ${arch}`);
  checked('prctl', prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  const filter = program(machine);
  const memory = koffi.alloc('uint8_t', filter.length);
  koffi.encode(memory, koffi.array('uint8_t', filter.length), [...filter]);
  const argument = koffi.alloc(filterProgram, 1);
  koffi.encode(argument, filterProgram, { length: filter.length / 8, filter: memory });
  checked('seccomp', syscallProgram(machine.seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, argument));
  koffi.free(argument);
  koffi.free(memory);
}
