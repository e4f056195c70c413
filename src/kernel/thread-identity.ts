import { checked, libc } from '#kernel/libc.ts';

const setfsuidCall = libc.func('int setfsuid(uint32_t uid)');
const setfsgidCall = libc.func('int setfsgid(uint32_t gid)');
const setgroupsCall = libc.func('syscall', 'long', ['long', 'long', 'uint8_t *']);
const capsetCall = libc.func('syscall', 'long', ['long', 'uint8_t *', 'uint8_t *']);

const numbers = process.arch === 'arm64' ? { setgroups: 159, capset: 91 } : { setgroups: 116, capset: 126 };
const CAP_SETGID = 6;
const CAP_SETUID = 7;
const unchanged = 0xffff_ffff;

/**
 * Takes from the calling thread, for good, its supplementary groups and every capability but those
 * that choose a file-system identity. glibc would do so to all threads: these are the raw calls.
 */
export function keepIdentityCapabilitiesOnly(): void {
  checked('setgroups', setgroupsCall(numbers.setgroups, 0, Buffer.alloc(4)));
  const header = Buffer.alloc(8);
  header.writeUInt32LE(0x20080522, 0);
  const kept = (1 << CAP_SETUID) | (1 << CAP_SETGID);
  const sets = Buffer.alloc(24);
  sets.writeUInt32LE(kept, 0);
  sets.writeUInt32LE(kept, 4);
  checked('capset', capsetCall(numbers.capset, header, sets));
}

/** Makes `uid` and `gid` the calling thread's identity for files (setfsuid(2)). Throws when the kernel did not. */
export function setFileIdentity(uid: number, gid: number): void {
  setfsgidCall(gid);
  setfsuidCall(uid);
  // These calls report no error: asking again with an impossible id answers what holds now.
  if (setfsuidCall(unchanged) >>> 0 !== uid || setfsgidCall(unchanged) >>> 0 !== gid) {
    throw new Error('the file-system identity was not taken');
  }
}
