import { checked, libc } from '#kernel/libc.ts';

const ioctlBuffer = libc.func('ioctl', 'int', ['int', 'unsigned long', 'uint8_t *']);

/** _IOR('X', 125, __u32) of the generic system-call interface; ext4, XFS and others take it. */
const FS_IOC_SHUTDOWN = 0x8004587d;
const NO_LOG_FLUSH = 2;

/**
 * Stops the file system that `fd` lies on, as a power cut would: nothing that is not on the disk yet
 * will be written, and all further work on it fails. Only for what is about to be thrown away.
 */
export function abandonFileSystem(fd: number): void {
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(NO_LOG_FLUSH, 0);
  checked('ioctl', ioctlBuffer(fd, FS_IOC_SHUTDOWN, flags));
}
