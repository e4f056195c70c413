import { checked, libc } from '#kernel/libc.ts';

const fstatfsCall = libc.func('int fstatfs(int fd, _Out_ uint8_t *buffer)');

/** Magic numbers of statfs(2). */
export const fileSystemTypes = { ext4: 0xef53, overlay: 0x794c7630, tmpfs: 0x01021994, xfs: 0x58465342 } as const;

/** Type of the file system that an open descriptor (O_PATH too) lies on. */
export function fileSystemType(fd: number): number {
  const buffer = Buffer.alloc(120);
  checked('fstatfs', fstatfsCall(fd, buffer));
  return Number(buffer.readBigInt64LE(0));
}
