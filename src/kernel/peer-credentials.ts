import { checked, libc } from '#kernel/libc.ts';

const getsockopt = libc.func(
  'int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
);
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Who connected to a Unix socket, as the kernel recorded it at connect(2) (unix(7), SO_PEERCRED). */
export function peerCredentials(socketFd: number): PeerCredentials {
  const value = Buffer.alloc(12);
  const length = new Uint32Array([value.length]);
  checked('getsockopt', getsockopt(socketFd, SOL_SOCKET, SO_PEERCRED, value, length));
  return { pid: value.readInt32LE(0), uid: value.readUInt32LE(4), gid: value.readUInt32LE(8) };
}
