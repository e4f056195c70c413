import os from 'node:os';
import koffi from 'koffi';

/** The C library. Prototypes are declared by the file that needs them, beside the reason for the call. */
export const libc = koffi.load('libc.so.6');

const errnoNames = new Map<number, string>();
for (const [name, value] of Object.entries(os.constants.errno)) {
  if (!errnoNames.has(value)) errnoNames.set(value, name);
}

/** A failed system call: `code` is the symbolic errno (`ENOENT`), as Node's own errors carry it. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number) {
    const code = errnoNames.get(errno) ?? `E${errno}`;
    super(`${syscall}: ${code}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** Returns `result` unless it is -1; then throws a SystemError with the calling thread's errno. */
export function checked(syscall: string, result: number | bigint): number {
  const value = Number(result);
  if (value === -1) throw new SystemError(syscall, koffi.errno());
  return value;
}

/** `syscall(2)` for calls that glibc 2.36 does not wrap. Arguments are passed as 64-bit values or buffers. */
export const rawSyscall = {
  /** Six integers. */
  integers: libc.func('long syscall(long number, long a, long b, long c, long d, long e, long f)'),
};

/** Numbers of the generic system-call table (the same on x86-64 and arm64 from 424 on). */
export const syscallNumbers = {
  pidfdOpen: 434,
  pidfdGetfd: 438,
  openat2: 437,
  openTree: 428,
  moveMount: 429,
  mountSetattr: 442,
} as const;
