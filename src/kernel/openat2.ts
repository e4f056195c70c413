import { checked, libc, syscallNumbers } from '#kernel/libc.ts';

const openat2Call = libc.func(
  'long syscall(long number, long directory, const uint8_t *path, const uint8_t *how, long size)',
);

/** Flags of open(2) that are needed together with openat2; O_CLOEXEC is always added (H1). */
export const openFlags = {
  readOnly: 0,
  writeOnly: 0o1,
  readWrite: 0o2,
  create: 0o100,
  exclusive: 0o200,
  truncate: 0o1000,
  nonBlock: 0o4000,
  directory: process.arch === 'arm64' ? 0o40000 : 0o200000,
  noFollow: process.arch === 'arm64' ? 0o100000 : 0o400000,
  path: 0o10000000,
} as const;
const closeOnExec = 0o2000000;

/** How openat2(2) resolves. */
export const resolveFlags = {
  noCrossMount: 0x01,
  noMagicLinks: 0x02,
  noSymlinks: 0x04,
  beneath: 0x08,
  /** `directory` is the root for absolute paths, `..` and symbolic links alike. */
  inRoot: 0x10,
} as const;

/** A path as bytes that end with NUL. Refuses bytes that hold a NUL of their own: the kernel would cut them silently. */
export function pathBytes(path: string | Uint8Array): Buffer {
  const bytes = typeof path === 'string' ? Buffer.from(path, 'utf8') : Buffer.from(path);
  if (bytes.includes(0)) throw new RangeError('a path cannot hold a NUL byte');
  return Buffer.concat([bytes, Buffer.of(0)]);
}

export interface OpenHow {
  readonly flags: number;
  readonly mode?: number;
  readonly resolve: number;
}

/**
 * openat2(2): opens `path` from the directory `directoryFd` (-100: the working directory) and
 * returns a descriptor that is closed on exec. Throws SystemError (`ELOOP` for what `resolve` forbids).
 */
export function openat2(directoryFd: number, path: string | Uint8Array, how: OpenHow): number {
  const structure = Buffer.alloc(24);
  structure.writeBigUInt64LE(BigInt(how.flags | closeOnExec), 0);
  structure.writeBigUInt64LE(BigInt(how.mode ?? 0), 8);
  structure.writeBigUInt64LE(BigInt(how.resolve), 16);
  for (let attempt = 0; ; attempt += 1) {
    const result = openat2Call(syscallNumbers.openat2, directoryFd, pathBytes(path), structure, structure.length);
    try {
      return checked('openat2', result);
    } catch (error) {
      // EAGAIN: a rename raced the resolution of `..` (openat2(2)); a hostile guest may do so for ever.
      if ((error as { code?: string }).code !== 'EAGAIN' || attempt >= 32) throw error;
    }
  }
}
