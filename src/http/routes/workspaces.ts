import { z } from 'zod';
import {
  createWorkspaceSchema,
  filesQuerySchema,
  filesSchema,
  gitStatusSchema,
  pageOf,
  pageQuerySchema,
  updateWorkspaceSchema,
  workspaceEventSchema,
  workspaceSchema,
} from '#contract/api.ts';
import { workspaceIdSchema } from '#contract/common.ts';
import { defineRoute } from '#http/define-route.ts';
import { empty, events, json, octets } from '#http/replies.ts';
import { requires } from '#http/route-access.ts';
import { grantIfAllowed } from '#http/grant-if-allowed.ts';

const params = z.strictObject({ workspaceId: workspaceIdSchema });
const one = '/api/v1/workspaces/:workspaceId';

export const workspaceRoutes = [
  defineRoute({
    method: 'GET',
    path: '/api/v1/workspaces',
    summary: 'Workspaces of the team, newest first; or those that can be restored',
    access: requires('workspace:read'),
    query: pageQuerySchema.extend({ deleted: z.enum(['true', 'false']).default('false') }),
    reply: json(pageOf(workspaceSchema)),
    handler: async ({ grant, query, services }) => {
      const { deleted, ...page } = query;
      const { items, cursor } = await services.workspaces.list(grant, { ...page, deleted: deleted === 'true' });
      return { items: [...items], cursor };
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/api/v1/workspaces',
    summary: 'Make a workspace, empty or as a clone of a git repository',
    access: requires('workspace:write'),
    body: createWorkspaceSchema,
    reply: json(workspaceSchema, 201),
    idempotent: true,
    perMinute: 60,
    handler: async (context) =>
      context.services.workspaces.create(context.grant, context.body, await grantIfAllowed(context, 'policy:write')),
  }),
  defineRoute({
    method: 'GET',
    path: one,
    summary: 'One workspace',
    access: requires('workspace:read'),
    params,
    reply: json(workspaceSchema),
    handler: ({ grant, params: { workspaceId }, services }) => services.workspaces.get(grant, workspaceId),
  }),
  defineRoute({
    method: 'PATCH',
    path: one,
    summary: 'Change name or description',
    access: requires('workspace:write'),
    params,
    body: updateWorkspaceSchema,
    reply: json(workspaceSchema),
    handler: ({ grant, body, params: { workspaceId }, services }) =>
      services.workspaces.update(grant, workspaceId, body),
  }),
  defineRoute({
    method: 'DELETE',
    path: one,
    summary: 'Stop and delete a workspace; it can be restored for seven days',
    access: requires('workspace:write'),
    params,
    reply: empty,
    handler: ({ grant, params: { workspaceId }, services }) => services.workspaces.remove(grant, workspaceId),
  }),
  defineRoute({
    method: 'POST',
    path: `${one}/restore`,
    summary: 'Take a deleted workspace back',
    access: requires('workspace:write'),
    params,
    reply: json(workspaceSchema),
    handler: ({ grant, params: { workspaceId }, services }) => services.workspaces.restore(grant, workspaceId),
  }),
  defineRoute({
    method: 'POST',
    path: `${one}/cancel`,
    summary: 'End the clone that is under way',
    access: requires('workspace:write'),
    params,
    reply: json(workspaceSchema),
    handler: ({ grant, params: { workspaceId }, services }) => services.workspaces.cancel(grant, workspaceId),
  }),
  defineRoute({
    method: 'POST',
    path: `${one}/retry`,
    summary: 'Clone again after a failure',
    access: requires('workspace:write'),
    params,
    reply: json(workspaceSchema),
    handler: ({ grant, params: { workspaceId }, services }) => services.workspaces.retry(grant, workspaceId),
  }),
  defineRoute({
    method: 'POST',
    path: `${one}/start`,
    summary: 'Start the sandbox',
    access: requires('workspace:run'),
    params,
    reply: json(workspaceSchema),
    handler: ({ grant, params: { workspaceId }, services }) => services.workspaces.start(grant, workspaceId),
  }),
  defineRoute({
    method: 'POST',
    path: `${one}/stop`,
    summary: 'Stop the sandbox; files stay',
    access: requires('workspace:run'),
    params,
    reply: json(workspaceSchema),
    handler: ({ grant, params: { workspaceId }, services }) => services.workspaces.stop(grant, workspaceId),
  }),
  defineRoute({
    method: 'GET',
    path: `${one}/events`,
    summary: 'What happens in a workspace, as it happens',
    access: requires('workspace:read'),
    params,
    reply: events(workspaceEventSchema),
    handler: async (context) => {
      const egress = (await grantIfAllowed(context, 'policy:read')) !== null;
      const { workspaceId } = context.params;
      await context.services.workspaces.get(context.grant, workspaceId);
      return context.services.workspaces.events(context.grant, workspaceId, { egress, signal: context.signal });
    },
  }),
  defineRoute({
    method: 'GET',
    path: `${one}/git`,
    summary: 'Branch, head and changes of the repository',
    access: requires('workspace:read'),
    params,
    reply: json(gitStatusSchema),
    perMinute: 120,
    handler: ({ grant, params: { workspaceId }, services }) => services.workspaces.git(grant, workspaceId),
  }),
  defineRoute({
    method: 'GET',
    path: `${one}/files`,
    summary: 'What is in a directory',
    access: requires('workspace:read'),
    params,
    query: filesQuerySchema,
    reply: json(filesSchema),
    handler: ({ grant, query, params: { workspaceId }, services }) =>
      services.workspaces.files(grant, workspaceId, query),
  }),
  defineRoute({
    method: 'GET',
    path: `${one}/file`,
    summary: 'The bytes of a file',
    access: requires('workspace:read'),
    params,
    query: filesQuerySchema,
    reply: octets,
    handler: async ({ grant, query, params: { workspaceId }, services, signal }) => {
      const { bytes, name } = await services.workspaces.file(grant, workspaceId, query, signal);
      return { bytes, fileName: name, length: bytes.length };
    },
  }),
];
