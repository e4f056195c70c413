import { closeSync, constants, openSync } from 'node:fs';
import { checked, libc, SystemError } from '#kernel/libc.ts';

const ioctlNumber = libc.func('int ioctl(int fd, unsigned long request, long argument)');
const ioctlBuffer = libc.func('ioctl', 'int', ['int', 'unsigned long', 'uint8_t *']);

const LOOP_CTL_GET_FREE = 0x4c82;
const LOOP_CONFIGURE = 0x4c0a;
const LO_FLAGS_AUTOCLEAR = 4;
const LO_FLAGS_DIRECT_IO = 16;
const configureBytes = 304;

/**
 * Attaches `file` to a free loop device with direct I/O and AUTOCLEAR, which frees the device at the
 * last close or unmount. Returns its path and a descriptor that holds it until the mount does (loop(4)).
 */
export function attachLoop(file: string): { device: string; fd: number } {
  const fileFd = openSync(file, constants.O_RDWR);
  const control = openSync('/dev/loop-control', constants.O_RDWR);
  try {
    // Another process may take the free device first: EBUSY, then the next one.
    for (let attempt = 0; attempt < 64; attempt += 1) {
      const number = checked('ioctl', ioctlNumber(control, LOOP_CTL_GET_FREE, 0));
      const device = `/dev/loop${number}`;
      const fd = openSync(device, constants.O_RDWR);
      try {
        configure(fd, fileFd, file);
        return { device, fd };
      } catch (error) {
        closeSync(fd);
        if ((error as { code?: string }).code !== 'EBUSY') throw error;
      }
    }
    throw new SystemError('ioctl', 16);
  } finally {
    closeSync(control);
    closeSync(fileFd);
  }
}

/** struct loop_config: u32 fd, u32 block_size, struct loop_info64 (232 bytes), u64 reserved[8]. */
function configure(fd: number, fileFd: number, file: string): void {
  for (const flags of [LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO, LO_FLAGS_AUTOCLEAR]) {
    const config = Buffer.alloc(configureBytes);
    config.writeUInt32LE(fileFd, 0);
    config.writeUInt32LE(4096, 4);
    config.writeUInt32LE(flags, 8 + 52);
    config.write(file.slice(-63), 8 + 56, 63, 'latin1');
    try {
      checked('ioctl', ioctlBuffer(fd, LOOP_CONFIGURE, config));
      return;
    } catch (error) {
      // EINVAL: the file's store has no direct I/O (tmpfs); buffered I/O costs memory only.
      if ((error as { code?: string }).code !== 'EINVAL' || flags === LO_FLAGS_AUTOCLEAR) throw error;
    }
  }
}
