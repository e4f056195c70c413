import { z } from 'zod';
import { allowRequestSchema, egressSchema, pageOf, pageQuerySchema } from '#contract/api.ts';
import { workspaceIdSchema } from '#contract/common.ts';
import { policySchema } from '#contract/policy.ts';
import { defineRoute } from '#http/define-route.ts';
import { json } from '#http/replies.ts';
import { requires } from '#http/route-access.ts';

const params = z.strictObject({ workspaceId: workspaceIdSchema });
const path = '/api/v1/workspaces/:workspaceId/policy';

export const policyRoutes = [
  defineRoute({
    method: 'GET',
    path,
    summary: 'What may leave the sandbox of a workspace',
    access: requires('policy:read'),
    params,
    reply: json(policySchema),
    handler: ({ grant, params: { workspaceId }, services }) => services.policies.get(grant, workspaceId),
  }),
  defineRoute({
    method: 'PUT',
    path,
    summary: 'Change what may leave; in force at once',
    access: requires('policy:write'),
    params,
    body: policySchema,
    reply: json(policySchema),
    handler: ({ grant, body, params: { workspaceId }, services }) => services.policies.put(grant, workspaceId, body),
  }),
  defineRoute({
    method: 'POST',
    path: `${path}/allow`,
    summary: 'Allow one destination for this workspace',
    access: requires('policy:write'),
    params,
    body: allowRequestSchema,
    reply: json(policySchema),
    handler: ({ grant, body, params: { workspaceId }, services }) => services.policies.allow(grant, workspaceId, body),
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/workspaces/:workspaceId/egress',
    summary: 'What left and what was refused, newest first',
    access: requires('policy:read'),
    params,
    query: pageQuerySchema,
    reply: json(pageOf(egressSchema)),
    handler: async ({ grant, params: { workspaceId }, query, services }) => {
      const { items, cursor } = await services.policies.egress(grant, workspaceId, query);
      return { items: [...items], cursor };
    },
  }),
];
