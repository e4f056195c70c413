import { z } from 'zod';
import { createTerminalSchema, pageOf, pageQuerySchema, terminalSchema, terminalSubprotocol } from '#contract/api.ts';
import { terminalIdSchema, workspaceIdSchema } from '#contract/common.ts';
import { maximumInputFrameBytes } from '#contract/terminal.ts';
import { defineRoute } from '#http/define-route.ts';
import { defineSocket } from '#http/define-socket.ts';
import { grantIfAllowed } from '#http/grant-if-allowed.ts';
import { empty, json } from '#http/replies.ts';
import { requires } from '#http/route-access.ts';
import { socketConnection } from '#http/socket-connection.ts';

const ofWorkspace = z.strictObject({ workspaceId: workspaceIdSchema });
const params = z.strictObject({ terminalId: terminalIdSchema });
const offset = z
  .string()
  .regex(/^\d{1,16}$/)
  .transform(Number)
  .refine(Number.isSafeInteger);

export const terminalRoutes = [
  defineRoute({
    method: 'GET',
    path: '/api/v1/workspaces/:workspaceId/terminals',
    summary: 'Terminals of a workspace, newest first',
    access: requires('terminal:watch'),
    params: ofWorkspace,
    query: pageQuerySchema,
    reply: json(pageOf(terminalSchema)),
    handler: async ({ grant, params: { workspaceId }, query, services }) => {
      const { items, cursor } = await services.terminals.list(grant, workspaceId, query);
      return { items: [...items], cursor };
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/api/v1/workspaces/:workspaceId/terminals',
    summary: 'Open a terminal; starts the sandbox when it is stopped',
    access: requires('terminal:drive'),
    params: ofWorkspace,
    body: createTerminalSchema,
    reply: json(terminalSchema, 201),
    idempotent: true,
    perMinute: 120,
    handler: ({ grant, body, params: { workspaceId }, services }) => services.terminals.open(grant, workspaceId, body),
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/terminals/:terminalId',
    summary: 'One terminal',
    access: requires('terminal:watch'),
    params,
    reply: json(terminalSchema),
    handler: ({ grant, params: { terminalId }, services }) => services.terminals.get(grant, terminalId),
  }),
  defineRoute({
    method: 'DELETE',
    path: '/api/v1/terminals/:terminalId',
    summary: 'End the program; the recording stays',
    access: requires('terminal:drive'),
    params,
    reply: empty,
    handler: ({ grant, params: { terminalId }, services }) => services.terminals.end(grant, terminalId),
  }),
  defineSocket({
    path: '/api/v1/terminals/:terminalId/socket',
    summary: 'Look at a terminal, and type into it',
    access: requires('terminal:watch'),
    params,
    query: z.strictObject({ offset: offset.optional() }),
    subprotocol: terminalSubprotocol,
    maximumMessageBytes: maximumInputFrameBytes,
    handler: async (context) => {
      const connection = socketConnection(context.socket);
      try {
        const drive = await grantIfAllowed(context, 'terminal:drive');
        const { grant, params: of, query, signal, touch } = context;
        const options = { offset: query.offset, connection, signal, touch };
        await context.services.terminals.attach(grant, drive, of.terminalId, options);
      } finally {
        // A socket that is not read never sees the other side's answer to its close.
        connection.resume();
      }
    },
  }),
];
