import { closeSync } from 'node:fs';
import koffi from 'koffi';
import { checked, libc, SystemError } from '#kernel/libc.ts';

const vector = koffi.struct('iovec', { base: 'void *', length: 'size_t' });
koffi.struct('msghdr', {
  name: 'void *',
  nameLength: 'uint32_t',
  vectors: 'iovec *',
  vectorCount: 'size_t',
  control: 'void *',
  controlLength: 'size_t',
  flags: 'int',
});
const recvmsg = libc.func('long recvmsg(int socket, _Inout_ msghdr *message, int flags)');

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;
const EAGAIN = 11;
const EINTR = 4;
/** `struct cmsghdr` on 64-bit machines: size_t length, int level, int type. */
const controlHeadBytes = 16;
const controlBytes = 256;
const dataBytes = 4096;

export interface ReceivedRights {
  /** Bytes of the message that came with the descriptors; 0 and no descriptor: the sender closed. */
  readonly bytes: number;
  readonly descriptors: number[];
}

/**
 * One message of a Unix socket and the descriptors sent with it (unix(7), SCM_RIGHTS), each closed
 * on exec from the start. Never waits: undefined when there is no message yet.
 */
export function receiveRights(socket: number): ReceivedRights | undefined {
  const data = koffi.alloc('uint8_t', dataBytes);
  const control = koffi.alloc('uint8_t', controlBytes);
  const vectors = koffi.alloc(vector, 1);
  koffi.encode(vectors, vector, { base: data, length: dataBytes });
  const message = {
    name: null,
    nameLength: 0,
    vectors,
    vectorCount: 1,
    control,
    controlLength: controlBytes,
    flags: 0,
  };
  try {
    const bytes = Number(recvmsg(socket, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
    if (bytes === -1) {
      const errno = koffi.errno();
      if (errno === EAGAIN || errno === EINTR) return undefined;
      throw new SystemError('recvmsg', errno);
    }
    const used = Number(message.controlLength);
    const received = Buffer.from(koffi.decode(control, koffi.array('uint8_t', controlBytes)) as Uint8Array);
    return { bytes, descriptors: descriptorsOf(received.subarray(0, used)) };
  } finally {
    koffi.free(vectors);
    koffi.free(control);
    koffi.free(data);
  }
}

function descriptorsOf(control: Buffer): number[] {
  const descriptors: number[] = [];
  let at = 0;
  while (at + controlHeadBytes <= control.length) {
    const length = Number(control.readBigUInt64LE(at));
    if (length < controlHeadBytes) break;
    const rights = control.readInt32LE(at + 8) === SOL_SOCKET && control.readInt32LE(at + 12) === SCM_RIGHTS;
    const end = Math.min(at + length, control.length);
    for (let place = at + controlHeadBytes; rights && place + 4 <= end; place += 4) {
      descriptors.push(control.readInt32LE(place));
    }
    at += Math.ceil(length / 8) * 8;
  }
  return descriptors;
}

const socketCall = libc.func('int socket(int family, int type, int protocol)');
const bindCall = libc.func('int bind(int socket, const uint8_t *address, uint32_t length)');
const listenCall = libc.func('int listen(int socket, int backlog)');
const acceptCall = libc.func('int accept4(int socket, void *address, void *length, int flags)');

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const CLOEXEC = 0o2000000;
const NONBLOCK = 0o4000;
/** `sun_path` with its NUL (unix(7)). */
const maximumPathBytes = 108;

/** A listening Unix stream socket at `path`, which must not exist; non-blocking, closed on exec. */
export function listenUnix(path: string): number {
  const name = Buffer.from(path);
  if (name.length >= maximumPathBytes) throw new RangeError('a socket path has at most 107 bytes');
  const address = Buffer.alloc(2 + name.length + 1);
  address.writeUInt16LE(AF_UNIX, 0);
  name.copy(address, 2);
  const socket = checked('socket', socketCall(AF_UNIX, SOCK_STREAM | CLOEXEC | NONBLOCK, 0));
  try {
    checked('bind', bindCall(socket, address, address.length));
    checked('listen', listenCall(socket, 8));
  } catch (error) {
    closeSync(socket);
    throw error;
  }
  return socket;
}

/** Accepts a connection (non-blocking, closed on exec), or undefined when none waits. */
export function acceptUnix(socket: number): number | undefined {
  const connection = Number(acceptCall(socket, null, null, CLOEXEC | NONBLOCK));
  if (connection !== -1) return connection;
  const errno = koffi.errno();
  const ECONNABORTED = 103;
  if (errno === EAGAIN || errno === EINTR || errno === ECONNABORTED) return undefined;
  throw new SystemError('accept4', errno);
}
