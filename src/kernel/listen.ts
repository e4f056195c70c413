import { closeSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { checked, libc } from '#kernel/libc.ts';

const socketCall = libc.func('int socket(int family, int type, int protocol)');
const bindCall = libc.func('int bind(int fd, const uint8_t *address, uint32_t length)');
const listenCall = libc.func('int listen(int fd, int backlog)');
const setsockoptCall = libc.func('int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t length)');
const convertCall = libc.func('inet_pton', 'int', ['int', 'const char *', 'uint8_t *']);

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;
const backlog = 511;

/**
 * A TCP socket bound to a numeric address, non-blocking and closed on exec. `shared`: others of this user may bind
 * the same port in the same way, and the kernel gives a connection to the one whose address is the most exact
 * (SO_REUSEPORT). `::` takes IPv4 too, where the machine says so (ipv6(7)).
 */
export function bindTo(address: string, port: number, { shared }: { readonly shared: boolean }): number {
  const six = isIPv6(address);
  const family = six ? AF_INET6 : AF_INET;
  const structure = Buffer.alloc(six ? 28 : 16);
  structure.writeUInt16LE(family, 0);
  structure.writeUInt16BE(port, 2);
  const number = structure.subarray(six ? 8 : 4, six ? 24 : 8);
  if (convertCall(family, address, number) !== 1) throw new RangeError(`${address} is not a numeric address`);
  const fd = checked('socket', socketCall(family, SOCK_STREAM_NONBLOCK_CLOEXEC, 0));
  try {
    const on = Buffer.from(new Int32Array([1]).buffer);
    for (const option of [SO_REUSEADDR, ...(shared ? [SO_REUSEPORT] : [])]) {
      checked('setsockopt', setsockoptCall(fd, SOL_SOCKET, option, on, on.length));
    }
    checked('bind', bindCall(fd, structure, structure.length));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** As {@link bindTo}, for this process alone, and listening: EADDRINUSE where anybody else listens. */
export function listenOn(address: string, port: number): number {
  const fd = bindTo(address, port, { shared: false });
  try {
    checked('listen', listenCall(fd, backlog));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
