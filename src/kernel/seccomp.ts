import { arch } from 'node:process';
import koffi from 'koffi';
import { checked, libc } from '#kernel/libc.ts';
import { forbidNewPrivileges } from '#kernel/privileges.ts';
import { withoutCalls, withoutPrograms, withoutSurface } from '#kernel/seccomp-program.ts';

const syscallProgram = libc.func(
  'long syscall(long number, unsigned long operation, unsigned long flags, void *program)',
);
const filterProgram = koffi.struct('sock_fprog', { length: 'uint16_t', filter: 'void *' });
const SECCOMP = arch === 'arm64' ? 277 : 317;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1;

/**
 * Takes from this process, all its threads and all their descendants the power to start a program:
 * sets no_new_privs and installs a seccomp filter on every thread (seccomp(2), TSYNC). It cannot be
 * undone. Throws a SystemError when the kernel refuses; a process that must be confined then stops.
 */
export function denyExecve(): void {
  install(withoutPrograms());
}

/** As {@link denyExecve}, of the parts of the kernel that our confined processes never call (`denied-calls.ts`). */
export function denySurface(): void {
  install(withoutSurface());
}

/** As {@link denyExecve}, of these calls, by their numbers on this machine. */
export function refuseCalls(numbers: readonly number[]): void {
  install(withoutCalls(numbers));
}

function install(filter: Buffer): void {
  forbidNewPrivileges();
  const memory = koffi.alloc('uint8_t', filter.length);
  koffi.encode(memory, koffi.array('uint8_t', filter.length), [...filter]);
  const argument = koffi.alloc(filterProgram, 1);
  koffi.encode(argument, filterProgram, { length: filter.length / 8, filter: memory });
  checked('seccomp', syscallProgram(SECCOMP, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, argument));
  koffi.free(argument);
  koffi.free(memory);
}
