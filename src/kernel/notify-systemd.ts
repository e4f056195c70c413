import { closeSync } from 'node:fs';
import { checked, libc } from '#kernel/libc.ts';

const socketCall = libc.func('int socket(int family, int type, int protocol)');
const sendtoCall = libc.func(
  'long sendto(int fd, const uint8_t *data, unsigned long length, int flags, const uint8_t *address, uint32_t addressLength)',
);

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const longestPath = 108;

/** Sends `state`, such as `READY=1`, to the socket of `$NOTIFY_SOCKET` (sd_notify(3)): a path, or `@name` for an abstract one. */
export function notifySystemd(socketPath: string, state: string): void {
  const path = Buffer.from(socketPath.startsWith('@') ? `\0${socketPath.slice(1)}` : socketPath);
  if (path.length === 0 || path.length >= longestPath) throw new Error('NOTIFY_SOCKET names no socket');
  const address = Buffer.alloc(2 + path.length);
  address.writeUInt16LE(AF_UNIX, 0);
  path.copy(address, 2);
  const data = Buffer.from(state);
  const fd = checked('socket', socketCall(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  try {
    checked('sendto', sendtoCall(fd, data, data.length, MSG_NOSIGNAL, address, address.length));
  } finally {
    closeSync(fd);
  }
}
