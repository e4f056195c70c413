import { libc, SystemError } from '#kernel/libc.ts';

const spawnCall = libc.func(
  'int posix_spawn(_Out_ int *pid, const char *path, uint8_t *actions, uint8_t *attributes, const char **argv, const char **environment)',
);
const actionsInit = libc.func('int posix_spawn_file_actions_init(uint8_t *actions)');
const actionsDestroy = libc.func('int posix_spawn_file_actions_destroy(uint8_t *actions)');
const addDup2 = libc.func('int posix_spawn_file_actions_adddup2(uint8_t *actions, int fd, int as)');
const addCloseFrom = libc.func('int posix_spawn_file_actions_addclosefrom_np(uint8_t *actions, int first)');
const addChdir = libc.func('int posix_spawn_file_actions_addchdir_np(uint8_t *actions, const char *path)');
const attributesInit = libc.func('int posix_spawnattr_init(uint8_t *attributes)');
const setFlags = libc.func('int posix_spawnattr_setflags(uint8_t *attributes, short flags)');
const setDefault = libc.func('int posix_spawnattr_setsigdefault(uint8_t *attributes, const uint8_t *signals)');
const setMask = libc.func('int posix_spawnattr_setsigmask(uint8_t *attributes, const uint8_t *signals)');

const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
const SETSID = 0x80;
/** glibc's types have 80, 336 and 128 bytes on 64-bit machines. */
const [actionsBytes, attributesBytes, signalsBytes] = [256, 512, 128];

export interface SpawnOptions {
  readonly program: string;
  /** Without the program's name, which is its path. */
  readonly parameters: readonly string[];
  /** `NAME=value`, complete. */
  readonly environment: readonly string[];
  /** What become the descriptors 0–2; each is greater than 2 and stays the caller's. */
  readonly streams: { readonly stdin: number; readonly stdout: number; readonly stderr: number };
}

/**
 * Starts a program by posix_spawn(3), in a session of its own, in `/`, with descriptors 0–2 and no
 * others, close-on-exec or not, and no signal blocked or ignored. It shares the memory of this process until it
 * executes: a fork would copy the page tables of all of Node. Answers the pid of the child, which
 * the caller reaps.
 */
export function spawnProgram({ program, parameters, environment, streams }: SpawnOptions): number {
  const actions = Buffer.alloc(actionsBytes);
  const attributes = Buffer.alloc(attributesBytes);
  must('posix_spawn_file_actions_init', actionsInit(actions));
  try {
    for (const [as, fd] of [streams.stdin, streams.stdout, streams.stderr].entries()) {
      if (fd <= 2) throw new RangeError('a descriptor up to 2 would be overwritten before it is copied');
      must('posix_spawn_file_actions_adddup2', addDup2(actions, fd, as));
    }
    must('posix_spawn_file_actions_addclosefrom_np', addCloseFrom(actions, 3));
    must('posix_spawn_file_actions_addchdir_np', addChdir(actions, '/'));
    must('posix_spawnattr_init', attributesInit(attributes));
    must('posix_spawnattr_setflags', setFlags(attributes, SETSIGDEF | SETSIGMASK | SETSID));
    must('posix_spawnattr_setsigdefault', setDefault(attributes, Buffer.alloc(signalsBytes, 0xff)));
    must('posix_spawnattr_setsigmask', setMask(attributes, Buffer.alloc(signalsBytes)));
    const pid = [0];
    const argv = [program, ...parameters, null];
    must('posix_spawn', spawnCall(pid, program, actions, attributes, argv, [...environment, null]));
    return pid[0] as number;
  } finally {
    actionsDestroy(actions);
  }
}

/** These calls answer the error instead of setting errno. */
function must(call: string, error: number): void {
  if (error !== 0) throw new SystemError(call, error);
}
