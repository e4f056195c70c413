import { systemSchema } from '#contract/api.ts';
import { defineRoute } from '#http/define-route.ts';
import { json } from '#http/replies.ts';
import { requires } from '#http/route-access.ts';

export const systemRoutes = [
  defineRoute({
    method: 'GET',
    path: '/api/v1/system',
    summary: 'Version, parts and isolation tiers of this server',
    access: requires('system:read'),
    reply: json(systemSchema),
    handler: async ({ services }) => ({
      version: services.status.version,
      parts: await services.status.parts(),
      tiers: [...(await services.status.tiers())],
    }),
  }),
];
