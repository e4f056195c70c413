import { checked, libc } from '#kernel/libc.ts';
import { closeAllOnExec } from '#kernel/close-on-exec.ts';

const execveCall = libc.func('int execve(const char *path, const char **arguments, const char **environment)');
const fcntlCall = libc.func('int fcntl(int fd, int command, int argument)');
const F_SETFD = 2;

export interface Program {
  readonly path: string;
  /** Begins with the program's own name. */
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The descriptors that it gets, under the same numbers; no others. */
  readonly descriptors: readonly number[];
}

/**
 * execve(2): this process becomes `program`. All threads but the caller end, so that what is the caller's
 * own (namespaces, capabilities, Landlock) is the whole program's. Throws when it cannot be started.
 */
export function replaceProgram(program: Program): never {
  closeAllOnExec();
  for (const fd of program.descriptors) checked('fcntl', fcntlCall(fd, F_SETFD, 0));
  const environment = Object.entries(program.environment).map(([name, value]) => `${name}=${value}`);
  checked('execve', execveCall(program.path, [...program.arguments, null], [...environment, null]));
  throw new Error('execve came back');
}
