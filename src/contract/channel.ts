import type { z } from 'zod';

/**
 * The frames between our own processes, over a Unix stream socket.
 *
 * `u32 length | u8 kind | u32 call | body`, big-endian; `length` counts what follows it.
 * Bodies: request, reply, error and item are `u32 header length | JSON header | payload`;
 * end and cancel are empty; credit is `u32 bytes`.
 */
export const frameKinds = { request: 1, reply: 2, error: 3, item: 4, end: 5, cancel: 6, credit: 7 } as const;
export type FrameKind = (typeof frameKinds)[keyof typeof frameKinds];

/** A longer frame ends the connection. */
export const maximumFrameBytes = 1_048_576 + 65_536;
/** Item payload bytes that may be under way on one call in one direction before a credit frame. */
export const streamWindowBytes = 1_048_576;
/** Item payloads are cut to this, so that one call cannot hold a connection. */
export const maximumItemBytes = 65_536;

/** One method: what goes in, what comes out, and whether items flow beside it. */
export interface MethodContract {
  readonly request: z.ZodType;
  readonly reply: z.ZodType;
  /** `down`: the serving side sends items; `up`: the caller does; the header of each is parsed by `item`. */
  readonly stream?: 'down' | 'up' | 'both';
  readonly item?: z.ZodType;
  /** Item payload bytes under way in one direction before a credit frame; absent: {@link streamWindowBytes}. */
  readonly windowBytes?: number;
}

export type MethodTable = Readonly<Record<string, MethodContract>>;
