import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { eventStream } from '#http/event-stream.ts';
import type { BytesBody, RouteReply } from '#http/replies.ts';

/** Sends what a handler returned in the form that its route declared. */
export function sendReply(form: RouteReply, result: unknown, reply: FastifyReply, signal: AbortSignal): FastifyReply {
  reply.code(form.status);
  switch (form.kind) {
    case 'empty':
      return reply.send();
    case 'json':
      return reply.type('application/json; charset=utf-8').send(serialise(form.schema, result));
    case 'bytes': {
      const { bytes, fileName, length } = result as BytesBody;
      reply
        .type('application/octet-stream')
        .header('content-disposition', `attachment; filename*=UTF-8''${encodeFileName(fileName)}`)
        .header('content-security-policy', "default-src 'none'; sandbox")
        .header('cross-origin-resource-policy', 'same-origin');
      if (length !== undefined) reply.header('content-length', String(length));
      return reply.send(bytes instanceof Uint8Array ? Buffer.from(bytes) : Readable.from(bytes, { objectMode: false }));
    }
    case 'lines':
      return reply
        .type('application/jsonl; charset=utf-8')
        .send(Readable.from(jsonLines(result as AsyncIterable<unknown>, form.schema), { objectMode: false }));
    case 'events':
      return reply
        .type('text/event-stream; charset=utf-8')
        .header('x-accel-buffering', 'no')
        .send(Readable.from(eventStream(result as AsyncIterable<unknown>, form.schema, signal), { objectMode: false }));
  }
}

/** The reply as JSON. A handler that returns what its schema does not allow is a defect: ZodError, 500. */
export const serialise = (schema: z.ZodType, result: unknown): string => JSON.stringify(schema.parse(result));

async function* jsonLines(items: AsyncIterable<unknown>, schema: z.ZodType): AsyncGenerator<string> {
  for await (const item of items) yield `${serialise(schema, item)}\n`;
}

/** RFC 8187: everything but attr-char is percent-encoded; half a surrogate pair becomes U+FFFD. */
const encodeFileName = (name: string): string =>
  encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
