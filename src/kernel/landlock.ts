import { closeSync } from 'node:fs';
import koffi from 'koffi';
import { checked, libc, SystemError } from '#kernel/libc.ts';
import { openat2, openFlags } from '#kernel/openat2.ts';

const createCall = libc.func('syscall', 'long', ['long', 'uint8_t *', 'long', 'long']);
const addCall = libc.func('syscall', 'long', ['long', 'long', 'long', 'uint8_t *', 'long']);
const restrictCall = libc.func('syscall', 'long', ['long', 'long', 'long', 'long']);
const CREATE_RULESET = 444;
const ADD_RULE = 445;
const RESTRICT_SELF = 446;
const CREATE_RULESET_VERSION = 1;
const RULE_PATH_BENEATH = 1;
const RULE_NET_PORT = 2;
const EOPNOTSUPP = 95;
const ENOSYS = 38;
const bindTcp = 1n;
const connectTcp = 2n;
const scopeAbstractSocketsAndSignals = 3n;

/** Rights over files (landlock(7)), by the version of the interface (ABI) that brought them. */
const rights = {
  execute: 1n << 0n,
  writeFile: 1n << 1n,
  readFile: 1n << 2n,
  readDirectory: 1n << 3n,
  removeDirectory: 1n << 4n,
  removeFile: 1n << 5n,
  makeDirectory: 1n << 7n,
  makeRegular: 1n << 8n,
  makeSocket: 1n << 9n,
  truncate: 1n << 14n,
} as const;
const readable = rights.readFile | rights.readDirectory;
const changeable =
  readable |
  rights.writeFile |
  rights.removeDirectory |
  rights.removeFile |
  rights.makeDirectory |
  rights.makeRegular |
  rights.makeSocket |
  rights.truncate;
const fileOnly = rights.execute | rights.writeFile | rights.readFile | rights.truncate;

/** The version of Landlock's interface that this kernel has; 0 where it has none or it was not switched on at boot. */
export function landlockVersion(): number {
  const version = Number(createCall(CREATE_RULESET, null, 0, CREATE_RULESET_VERSION));
  if (version >= 0) return version;
  const errno = koffi.errno();
  if (errno === EOPNOTSUPP || errno === ENOSYS) return 0;
  throw new SystemError('landlock_create_ruleset', errno);
}

export interface LandlockRules {
  /** Trees and files that may be read. */
  readonly read: readonly string[];
  /** Directories in which files, directories and sockets may also be made, changed and removed. */
  readonly change: readonly string[];
  /** Files that may be written without being made: devices. */
  readonly write: readonly string[];
  /** Files that may be executed. */
  readonly execute: readonly string[];
  /** TCP ports that may be connected to, or `any`; nothing may be bound (version 4). */
  readonly connect: readonly number[] | 'any';
}

/**
 * landlock_restrict_self(2): from here on the calling thread, and every program it starts, may do no more than
 * `rules`, nor reach abstract sockets and signal processes outside (version 6). What the kernel's version does not
 * know is left out. Answers the version; 0: nothing was restricted. Needs no_new_privs or CAP_SYS_ADMIN.
 */
export function restrictByLandlock(rules: LandlockRules): number {
  const version = landlockVersion();
  if (version === 0) return 0;
  // 13 rights at first, then REFER (2), TRUNCATE (3) and IOCTL_DEV (5).
  const handled = (1n << BigInt(13 + Number(version >= 2) + Number(version >= 3) + Number(version >= 5))) - 1n;
  const handledNet = version < 4 ? 0n : rules.connect === 'any' ? bindTcp : bindTcp | connectTcp;
  const ruleset = createRuleset(version, handled, handledNet);
  try {
    const allow = (paths: readonly string[], access: bigint): void => {
      for (const path of paths) addPath(ruleset, path, access & handled);
    };
    allow(rules.read, readable);
    allow(rules.change, changeable);
    allow(rules.write, rights.readFile | rights.writeFile);
    allow(rules.execute, rights.readFile | rights.execute);
    if (version >= 4 && rules.connect !== 'any') for (const port of rules.connect) addPort(ruleset, port);
    checked('landlock_restrict_self', restrictCall(RESTRICT_SELF, ruleset, 0, 0));
  } finally {
    closeSync(ruleset);
  }
  return version;
}

/** The descriptor is closed on exec (landlock_create_ruleset(2)). */
function createRuleset(version: number, files: bigint, net: bigint): number {
  const attributes = Buffer.alloc(24);
  attributes.writeBigUInt64LE(files, 0);
  attributes.writeBigUInt64LE(net, 8);
  attributes.writeBigUInt64LE(scopeAbstractSocketsAndSignals, 16);
  // The structure grew with the version; an older kernel refuses a longer one.
  const size = version < 4 ? 8 : version < 6 ? 16 : 24;
  return checked('landlock_create_ruleset', createCall(CREATE_RULESET, attributes, size, 0));
}

function addPath(ruleset: number, path: string, access: bigint): void {
  const fd = openat2(-100, path, { flags: openFlags.path, resolve: 0 });
  try {
    const add = (allowed: bigint): number => {
      const rule = Buffer.alloc(12);
      rule.writeBigUInt64LE(allowed, 0);
      rule.writeInt32LE(fd, 8);
      return Number(addCall(ADD_RULE, ruleset, RULE_PATH_BENEATH, rule, 0));
    };
    if (add(access) === 0) return;
    // EINVAL: rights over what is in a directory do not apply to a file.
    if (koffi.errno() !== 22) throw new SystemError('landlock_add_rule', koffi.errno());
    checked('landlock_add_rule', add(access & fileOnly));
  } finally {
    closeSync(fd);
  }
}

function addPort(ruleset: number, port: number): void {
  const rule = Buffer.alloc(16);
  rule.writeBigUInt64LE(connectTcp, 0);
  rule.writeBigUInt64LE(BigInt(port), 8);
  checked('landlock_add_rule', addCall(ADD_RULE, ruleset, RULE_NET_PORT, rule, 0));
}
