import { checked, libc } from '#kernel/libc.ts';

const ioctlBytes = libc.func('ioctl', 'int', ['int', 'unsigned long', 'uint8_t *']);

const TIOCSWINSZ = 0x5414;
const TIOCGPTN = 0x80045430;

/** Sets a PTY's size; the foreground process group gets SIGWINCH when it changed (ioctl_tty(2)). */
export function setWindowSize(master: number, size: { readonly columns: number; readonly rows: number }): void {
  const value = Buffer.alloc(8);
  value.writeUInt16LE(size.rows, 0);
  value.writeUInt16LE(size.columns, 2);
  checked('ioctl(TIOCSWINSZ)', ioctlBytes(master, TIOCSWINSZ, value));
}

/** True when `fd` is the master of a PTY (TIOCGPTN answers only there). */
export function isPtyMaster(fd: number): boolean {
  return Number(ioctlBytes(fd, TIOCGPTN, Buffer.alloc(4))) === 0;
}
