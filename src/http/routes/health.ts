import { z } from 'zod';
import { CasemateError } from '#contract/errors.ts';
import { defineRoute } from '#http/define-route.ts';
import { publicRoute } from '#http/public-route.ts';
import { json } from '#http/replies.ts';
import { partNames } from '#http/status.ts';

const partsSchema = z.record(z.enum(partNames), z.enum(['ok', 'down']));

export const healthRoutes = [
  defineRoute({
    method: 'GET',
    path: '/healthz',
    summary: 'Whether the server answers at all',
    access: publicRoute('supervisors and load balancers have no account, and it says nothing but that it runs'),
    reply: json(z.strictObject({ status: z.literal('ok') })),
    handler: () => ({ status: 'ok' as const }),
  }),
  defineRoute({
    method: 'GET',
    path: '/readyz',
    summary: 'Which parts of the server answer; 503 while the database does not',
    access: publicRoute('supervisors and load balancers have no account, and it names parts, not what they hold'),
    reply: json(z.strictObject({ status: z.literal('ok'), parts: partsSchema })),
    handler: async ({ services }) => {
      const parts = await services.status.parts();
      if (parts.database !== 'ok') throw new CasemateError('unavailable', 'The database does not answer');
      return { status: 'ok' as const, parts };
    },
  }),
];
