import { z } from 'zod';
import type { MethodTable } from '#contract/channel.ts';
import { base64Schema, teamIdSchema, terminalIdSchema, terminalSizeSchema } from '#contract/common.ts';
import { journalRead } from '#contract/journal.ts';
import { exitSchema } from '#contract/warden.ts';

const none = z.strictObject({});
const one = { terminalId: terminalIdSchema };
const offset = z.number().int().min(0);

/** Unsealed bytes of one terminal before its program is stalled (PTY back-pressure). */
export const spoolBacklogBytes = 1_048_576;
/** Sealed bytes kept in the spool as well, so that a quick reconnect needs no key. */
export const spoolKeepBytes = 1_048_576;
/** Output under way from the keeper to one reader: what the server holds for a viewer that does not read. */
export const followWindowBytes = 262_144;
/** Input waiting for a program that does not read; more is refused with `rate_limited`. */
export const inputQueueBytes = 65_536;

/**
 * Why a program has to wait: its team prints too fast, or has filled its budget; the host has too
 * little room; the recording cannot be written. Nothing is lost meanwhile.
 */
export const stallSchema = z.enum(['rate', 'budget', 'reserve', 'disk']);
export type Stall = z.infer<typeof stallSchema>;

export const keeperTerminalSchema = z.strictObject({
  terminalId: terminalIdSchema,
  teamId: teamIdSchema,
  /** Absolute offset of the first byte still in the spool. */
  spoolStart: offset,
  sealed: offset,
  /** Absolute offset after the last byte that the program wrote. */
  end: offset,
  /** `waiting`: no master yet. `ended`: every slave is closed and all bytes are sealed. */
  state: z.enum(['waiting', 'live', 'ended']),
});
export type KeeperTerminal = z.infer<typeof keeperTerminalSchema>;

/** What the server may ask of the keeper. */
export const keeperMethods = {
  'keeper.health': { request: none, reply: z.strictObject({ terminals: z.number().int() }) },
  /**
   * Makes the console socket `<keeper run directory>/console/<terminal id>` to which crun hands the
   * master, and the recording, sealed to `recordingPublicKey` (raw X25519, base64).
   */
  'terminal.open': {
    request: z.strictObject({
      ...one,
      teamId: teamIdSchema,
      recordingPublicKey: base64Schema,
      size: terminalSizeSchema,
    }),
    reply: none,
  },
  /**
   * The bytes from `offset`, as the payload of the reply. Waits up to `waitMs` when there are none
   * yet; an empty payload means the time passed, or, with `ended`, that there will be no more.
   * With `stall`, what the reader knows of it, a change of that is answered at once.
   * `offset_trimmed` (detail `spoolStart`): read the recording instead.
   */
  'terminal.read': {
    request: z.strictObject({
      ...one,
      offset,
      maximumBytes: z.number().int().min(1).max(1_048_576),
      waitMs: z.number().int().min(0).max(30_000),
      stall: stallSchema.nullable().optional(),
    }),
    reply: z.strictObject({ offset, end: offset, ended: z.boolean(), stall: stallSchema.nullable() }),
  },
  /**
   * The bytes from `offset` on, as they come, as the payloads of items that lie one after another without
   * gap: `offset` is the first byte's. Only what is in the spool is sent. An item tells the stall, and
   * holds nothing else when that alone changed; `stall` of the request is what the reader knows of it. Answers once there will be no more.
   * `offset_trimmed` (detail `spoolStart`): the reader fell behind; read the recording, then follow again.
   */
  'terminal.follow': {
    request: z.strictObject({ ...one, offset, stall: stallSchema.nullable() }),
    stream: 'down',
    item: z.strictObject({ offset, stall: stallSchema.nullable() }),
    windowBytes: followWindowBytes,
    reply: none,
  },
  /** The payload goes to the program. Refused whole when the queue is full. */
  'terminal.input': { request: z.strictObject(one), reply: none },
  'terminal.resize': { request: z.strictObject({ ...one, size: terminalSizeSchema }), reply: none },
  /** Writes the exit into the recording once all bytes are sealed. */
  'terminal.exited': { request: z.strictObject({ ...one, exit: exitSchema }), reply: none },
  /** Seals what is left, closes the master (the programs get SIGHUP) and forgets the spool. The recording stays. */
  'terminal.close': { request: z.strictObject(one), reply: none },
  'terminal.list': { request: none, reply: z.strictObject({ terminals: z.array(keeperTerminalSchema) }) },
  'journal.read': journalRead,
} as const satisfies MethodTable;
