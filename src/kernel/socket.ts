import { checked, libc } from '#kernel/libc.ts';

const socketCall = libc.func('int socket(int family, int type, int protocol)');
const bindCall = libc.func('int bind(int fd, const uint8_t *address, uint32_t length)');
const listenCall = libc.func('int listen(int fd, int backlog)');
const connectCall = libc.func('int connect(int fd, const uint8_t *address, uint32_t length)');
const setsockoptCall = libc.func('int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t length)');
const getsockoptCall = libc.func('getsockopt', 'int', ['int', 'int', 'int', '_Out_ uint8_t *', '_Inout_ uint32_t *']);
const pollCall = libc.func('int poll(uint8_t *fds, unsigned long count, int timeout)');

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;

export type LoopbackFamily = 'ipv4' | 'ipv6';

/** struct sockaddr_in or sockaddr_in6 of the loopback address. */
function loopbackAddress(family: LoopbackFamily, port: number): Buffer {
  const address = Buffer.alloc(family === 'ipv4' ? 16 : 28);
  address.writeUInt16LE(family === 'ipv4' ? AF_INET : AF_INET6, 0);
  address.writeUInt16BE(port, 2);
  if (family === 'ipv4') address.set([127, 0, 0, 1], 4);
  else address[23] = 1;
  return address;
}

/** A TCP socket of the calling thread's network namespace, non-blocking and closed on exec. */
export function tcpSocket(family: LoopbackFamily): number {
  const number = family === 'ipv4' ? AF_INET : AF_INET6;
  return checked('socket', socketCall(number, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

/** Binds to the loopback address and listens. */
export function listenOnLoopback(fd: number, port: number, backlog: number): void {
  const on = Buffer.from(new Int32Array([1]).buffer);
  checked('setsockopt', setsockoptCall(fd, SOL_SOCKET, SO_REUSEADDR, on, on.length));
  const address = loopbackAddress('ipv4', port);
  checked('bind', bindCall(fd, address, address.length));
  checked('listen', listenCall(fd, backlog));
}

/** Begins to connect to the loopback address; `connectOutcome` tells how it went. */
export function startConnect(fd: number, family: LoopbackFamily, port: number): void {
  const address = loopbackAddress(family, port);
  try {
    checked('connect', connectCall(fd, address, address.length));
  } catch (error) {
    if ((error as { code?: string }).code !== 'EINPROGRESS') throw error;
  }
}

/** `pending`, 0 when connected, or the errno of the failure (connect(2), EINPROGRESS). Does not wait. */
export function connectOutcome(fd: number): number | 'pending' {
  const POLLOUT = 4;
  const request = Buffer.alloc(8);
  request.writeInt32LE(fd, 0);
  request.writeInt16LE(POLLOUT, 4);
  if (checked('poll', pollCall(request, 1, 0)) === 0) return 'pending';
  const value = Buffer.alloc(4);
  const length = new Uint32Array([4]);
  checked('getsockopt', getsockoptCall(fd, SOL_SOCKET, SO_ERROR, value, length));
  return value.readInt32LE(0);
}
