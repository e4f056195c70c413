import { z } from 'zod';
import { problemSchema } from '#contract/api.ts';
import type { Route } from '#http/define-route.ts';
import type { Socket } from '#http/define-socket.ts';
import type { RouteReply } from '#http/replies.ts';

type JsonObject = Record<string, unknown>;

const problem = { $ref: '#/components/schemas/Problem' };

/** A schema as JSON Schema 2020-12, the dialect of OpenAPI 3.1. Transforms are described by what goes in. */
function describeSchema(schema: z.ZodType): JsonObject {
  const { $schema: _, ...description } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonObject;
  return description;
}

function describeParameters(schema: z.ZodType | undefined, place: 'path' | 'query'): JsonObject[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = describeSchema(schema) as {
    properties?: Record<string, JsonObject>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, description]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: description,
  }));
}

function describeReply(reply: RouteReply): JsonObject {
  const content = (type: string, schema: JsonObject) => ({ content: { [type]: { schema } } });
  switch (reply.kind) {
    case 'empty':
      return { description: 'Done' };
    case 'bytes':
      return { description: 'Bytes, as an attachment', ...content('application/octet-stream', {}) };
    case 'json':
      return { description: 'Done', ...content('application/json', describeSchema(reply.schema)) };
    case 'lines':
      return { description: 'One item a line', ...content('application/jsonl', describeSchema(reply.schema)) };
    case 'events':
      return {
        description: 'Server-sent events; each `data` line is one of these',
        ...content('text/event-stream', describeSchema(reply.schema)),
      };
  }
}

function describeAccess({ access }: Route | Socket): JsonObject {
  if (access.kind === 'public') return { security: [], 'x-public': access.reason };
  const schemes = [{ session: [] }, { apiKey: [] }, { bearer: [] }];
  return access.kind === 'permission'
    ? { security: schemes, 'x-permission': access.permission }
    : { security: schemes };
}

function describeRoute(route: Route): JsonObject {
  const headers = route.idempotent
    ? [{ name: 'Idempotency-Key', in: 'header', required: false, schema: { type: 'string', maxLength: 128 } }]
    : [];
  const parameters = [
    ...describeParameters(route.params, 'path'),
    ...describeParameters(route.query, 'query'),
    ...headers,
  ];
  return {
    summary: route.summary,
    ...describeAccess(route),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body
      ? { requestBody: { required: true, content: { 'application/json': { schema: describeSchema(route.body) } } } }
      : {}),
    responses: {
      [route.reply.status]: describeReply(route.reply),
      default: { description: 'Refused or failed', content: { 'application/problem+json': { schema: problem } } },
    },
  };
}

function describeSocket(socket: Socket): JsonObject {
  return {
    summary: socket.summary,
    description: `WebSocket with the subprotocol \`${socket.subprotocol}\`.`,
    ...describeAccess(socket),
    parameters: [...describeParameters(socket.params, 'path'), ...describeParameters(socket.query, 'query')],
    responses: { 101: { description: 'The connection is a WebSocket now' } },
  };
}

/** The table as an OpenAPI 3.1 document, in the table's order. */
export function describeApi(table: readonly (Route | Socket)[], version: string): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const entry of table) {
    const path = entry.path.replace(/:([A-Za-z]+)/g, '{$1}');
    const operation = entry.kind === 'route' ? describeRoute(entry) : describeSocket(entry);
    paths[path] = { ...paths[path], [entry.kind === 'route' ? entry.method.toLowerCase() : 'get']: operation };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Casemate', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: {
      schemas: { Problem: describeSchema(problemSchema) },
      securitySchemes: {
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: '__Host-casemate',
          description: 'State changes need `x-csrf-token` of GET /api/v1/session as well',
        },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-KEY' },
        bearer: { type: 'http', scheme: 'bearer', description: 'The same API key' },
      },
    },
  };
}
