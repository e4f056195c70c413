import { z } from 'zod';
import { pageOf, pageQuerySchema, secretSchema, setSecretSchema } from '#contract/api.ts';
import { secretDescriptionSchema } from '#contract/broker.ts';
import { defineRoute } from '#http/define-route.ts';
import { empty, json } from '#http/replies.ts';
import { requires } from '#http/route-access.ts';

const params = z.strictObject({ name: secretDescriptionSchema.shape.name });

export const secretRoutes = [
  defineRoute({
    method: 'GET',
    path: '/api/v1/secrets',
    summary: 'Secrets of the team by name; never their values',
    access: requires('secret:read'),
    query: pageQuerySchema,
    reply: json(pageOf(secretSchema)),
    handler: async ({ grant, services }) => ({ items: [...(await services.secrets.list(grant))], cursor: null }),
  }),
  defineRoute({
    method: 'PUT',
    path: '/api/v1/secrets/:name',
    summary: 'Set a secret; the value can be used by the broker only, and read back by nobody',
    access: requires('secret:write'),
    params,
    body: setSecretSchema,
    reply: json(secretSchema),
    handler: ({ grant, body, params: { name }, services }) => services.secrets.set(grant, name, body),
  }),
  defineRoute({
    method: 'DELETE',
    path: '/api/v1/secrets/:name',
    summary: 'Remove a secret',
    access: requires('secret:write'),
    params,
    reply: empty,
    handler: ({ grant, params: { name }, services }) => services.secrets.remove(grant, name),
  }),
];
