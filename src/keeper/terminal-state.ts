import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { base64Schema, teamIdSchema, terminalIdSchema, terminalSizeSchema } from '#contract/common.ts';
import { exitSchema } from '#contract/warden.ts';

/** A resize or the exit that is not in the recording yet. */
const markSchema = z.strictObject({
  /** Counts all marks of a terminal from 0: the recording tells how many it has, so none is written twice. */
  number: z.number().int().min(0),
  offset: z.number().int().min(0),
  timeMs: z.number().int(),
  what: z.union([terminalSizeSchema, exitSchema]),
});
export type Mark = z.infer<typeof markSchema>;

/**
 * What a restarted keeper must know of a terminal and cannot read from spool, recording or holder.
 * `closing`: the master is closed for good and what is spooled is still being sealed.
 */
const terminalStateSchema = z.strictObject({
  terminalId: terminalIdSchema,
  teamId: teamIdSchema,
  recordingPublicKey: base64Schema,
  createdMs: z.number().int(),
  phase: z.enum(['waiting', 'live', 'over', 'closing']),
  size: terminalSizeSchema,
  holder: z.strictObject({ pid: z.number().int(), startTicks: z.string() }).nullable(),
  marks: z.array(markSchema),
  nextMark: z.number().int().min(0),
  exit: exitSchema.nullable(),
  /** The exit is among the marks, or in the recording. */
  exitMarked: z.boolean(),
});
export type TerminalState = z.infer<typeof terminalStateSchema>;

const fileName = 'state.json';

/** Replaces the state; `kill -9` leaves the old or the new one. */
export function writeTerminalState(directory: string, state: TerminalState): void {
  const temporary = path.join(directory, `${fileName}.new`);
  writeFileSync(temporary, JSON.stringify(state), { mode: 0o600 });
  renameSync(temporary, path.join(directory, fileName));
}

/** Undefined when the terminal was never opened to the end: there is no state. Throws when it is damaged. */
export function readTerminalState(directory: string): TerminalState | undefined {
  try {
    return terminalStateSchema.parse(JSON.parse(readFileSync(path.join(directory, fileName), 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
