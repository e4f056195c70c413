import { z } from 'zod';

/** JSON of one schema: the reply is parsed by it before it is sent, so that nothing else leaks. */
export interface JsonReply<Schema extends z.ZodType = z.ZodType> {
  readonly kind: 'json';
  readonly status: 200 | 201 | 202;
  readonly schema: Schema;
}
export interface EmptyReply {
  readonly kind: 'empty';
  readonly status: 204;
}
/** Bytes that nobody may render: application/octet-stream, attachment, nosniff, `CSP: sandbox` (H10). */
export interface BytesReply {
  readonly kind: 'bytes';
  readonly status: 200;
}
/** JSON lines (application/jsonl), one item a line. */
export interface LinesReply<Schema extends z.ZodType = z.ZodType> {
  readonly kind: 'lines';
  readonly status: 200;
  readonly schema: Schema;
}
/** Server-sent events: each item is one `data` line of JSON; comments keep the connection alive. */
export interface EventsReply<Schema extends z.ZodType = z.ZodType> {
  readonly kind: 'events';
  readonly status: 200;
  readonly schema: Schema;
}
export type RouteReply = JsonReply | EmptyReply | BytesReply | LinesReply | EventsReply;

/** What the handler of a bytes route returns. */
export interface BytesBody {
  readonly bytes: Uint8Array | AsyncIterable<Uint8Array>;
  /** Suggested to the browser; any characters. */
  readonly fileName: string;
  /** Bytes in all, when they are known. */
  readonly length?: number;
}

export type HandlerResult<Reply extends RouteReply> =
  Reply extends JsonReply<infer Schema>
    ? z.input<Schema>
    : Reply extends EmptyReply
      ? undefined | void
      : Reply extends BytesReply
        ? BytesBody
        : Reply extends LinesReply<infer Schema> | EventsReply<infer Schema>
          ? AsyncIterable<z.input<Schema>>
          : never;

export const json = <Schema extends z.ZodType>(schema: Schema, status: 200 | 201 | 202 = 200): JsonReply<Schema> => ({
  kind: 'json',
  status,
  schema,
});
export const empty: EmptyReply = { kind: 'empty', status: 204 };
export const octets: BytesReply = { kind: 'bytes', status: 200 };
export const lines = <Schema extends z.ZodType>(schema: Schema): LinesReply<Schema> => ({
  kind: 'lines',
  status: 200,
  schema,
});
export const events = <Schema extends z.ZodType>(schema: Schema): EventsReply<Schema> => ({
  kind: 'events',
  status: 200,
  schema,
});
