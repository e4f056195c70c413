import { checked, libc } from '#kernel/libc.ts';

const fcntlInteger = libc.func('fcntl', 'int', ['int', 'int', 'long']);

const F_GETFL = 3;
const F_SETFL = 4;
const NONBLOCK = 0o4000;

/** Sets O_NONBLOCK on the open file description, which everyone who holds a copy of `fd` shares. */
export function setNonblocking(fd: number): void {
  const flags = checked('fcntl', fcntlInteger(fd, F_GETFL, 0));
  checked('fcntl', fcntlInteger(fd, F_SETFL, flags | NONBLOCK));
}
