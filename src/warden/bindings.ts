import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { idPattern, type TeamId } from '#base/ids.ts';
import { teamIdSchema } from '#contract/common.ts';
import { CasemateError } from '#contract/errors.ts';

const bindingSchema = z.strictObject({
  kind: z.enum(['sandbox', 'workspace', 'terminal']),
  id: z.string().regex(idPattern),
  teamId: teamIdSchema,
});
type Kind = z.infer<typeof bindingSchema>['kind'];

/** Which team each id belongs to, for good (H5). */
export interface Bindings extends Disposable {
  /** Binds at first use. Throws `not_found` when the id is another team's, `quota_exceeded` when no more are kept. */
  bind(kind: Kind, id: string, teamId: TeamId): void;
  /** False for an id that was never bound: nothing was made for it. Throws `not_found` when it is another team's. */
  known(kind: Kind, id: string, teamId: TeamId): boolean;
  /** Throws `not_found` unless the id is bound to this team. */
  check(kind: Kind, id: string, teamId: TeamId): void;
}

/** Opens the append-only file of bindings. A torn last line is cut off: its command was never begun. */
export function openBindings(file: string, maximum: number): Bindings {
  const owners = new Map<string, TeamId>();
  /** One string for a team, however many ids it has. */
  const teams = new Map<string, TeamId>();
  const own = (key: string, teamId: TeamId): void => {
    const team = teams.get(teamId) ?? teamId;
    teams.set(team, team);
    owners.set(key, team);
  };
  const fd = openSync(file, 'a+', 0o600);
  const text = readFileSync(file, 'utf8');
  const lines = text.split('\n');
  const torn = lines.pop() ?? '';
  for (const line of lines) {
    if (line === '') continue;
    const { kind, id, teamId } = bindingSchema.parse(JSON.parse(line));
    own(`${kind}:${id}`, teamId);
  }
  if (torn !== '') ftruncateSync(fd, Buffer.byteLength(text) - Buffer.byteLength(torn));
  return {
    bind(kind, id, teamId) {
      const owner = owners.get(`${kind}:${id}`);
      if (owner === teamId) return;
      if (owner !== undefined) throw new CasemateError('not_found');
      if (owners.size >= maximum) {
        throw new CasemateError(
          'quota_exceeded',
          'This server keeps no more ids. What runs goes on; nothing was made.',
        );
      }
      appendLine(fd, `${JSON.stringify({ kind, id, teamId })}\n`);
      own(`${kind}:${id}`, teamId);
    },
    known(kind, id, teamId) {
      const owner = owners.get(`${kind}:${id}`);
      if (owner !== undefined && owner !== teamId) throw new CasemateError('not_found');
      return owner !== undefined;
    },
    check(kind, id, teamId) {
      if (owners.get(`${kind}:${id}`) !== teamId) throw new CasemateError('not_found');
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}

/** Appends all of `line` durably, or nothing: half a line would keep the next start from reading the file. */
function appendLine(fd: number, line: string): void {
  const { size } = fstatSync(fd);
  try {
    if (writeSync(fd, line) !== Buffer.byteLength(line)) throw new Error('the disk took a part of the line only');
    fsyncSync(fd);
  } catch (cause) {
    ftruncateSync(fd, size);
    throw new CasemateError('no_space', 'The server could not write down whose this is; nothing was done.', { cause });
  }
}
