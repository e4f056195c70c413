import { z } from 'zod';
import { auditListSchema, pageQuerySchema } from '#contract/api.ts';
import { auditCatalogue, type AuditEventName } from '#contract/audit.ts';
import { defineRoute } from '#http/define-route.ts';
import { json } from '#http/replies.ts';
import { requires } from '#http/route-access.ts';

const eventSchema = z.enum(Object.keys(auditCatalogue) as [AuditEventName, ...AuditEventName[]]);

export const auditRoutes = [
  defineRoute({
    method: 'GET',
    path: '/api/v1/audit',
    summary: "The team's trail, newest first",
    access: requires('audit:read'),
    query: pageQuerySchema.extend({ event: eventSchema.optional() }),
    reply: json(auditListSchema),
    handler: async ({ grant, query, services }) => {
      const { items, cursor } = await services.audit.list(grant.scope, query);
      return { items: [...items], cursor };
    },
  }),
];
