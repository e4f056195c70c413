import { z } from 'zod';
import { createKeySchema, keySchema, pageOf, pageQuerySchema } from '#contract/api.ts';
import { CasemateError } from '#contract/errors.ts';
import type { ApiKeyView } from '#identity/keys.ts';
import { defineRoute } from '#http/define-route.ts';
import { empty, json } from '#http/replies.ts';
import { requires } from '#http/route-access.ts';

export const keyParamsSchema = z.strictObject({ keyId: z.string().regex(/^[a-z2-7]{20}$/) });
export const createdKeySchema = keySchema.extend({ secret: z.string() });

const time = (moment: Date | null): string | null => moment?.toISOString() ?? null;

export const presentKey = (key: ApiKeyView): z.infer<typeof keySchema> => ({
  id: key.id,
  name: key.name,
  prefix: key.prefix,
  scopes: key.scopes,
  createdAt: key.createdAt.toISOString(),
  expiresAt: time(key.expiresAt),
  revokedAt: time(key.revokedAt),
  lastUsedAt: time(key.lastUsedAt),
});

export const keyRoutes = [
  defineRoute({
    method: 'GET',
    path: '/api/v1/keys',
    summary: "The team's API keys, newest first; expired and revoked ones stay",
    access: requires('key:write'),
    query: pageQuerySchema,
    reply: json(pageOf(keySchema)),
    handler: async ({ grant, query, services }) => {
      const page = await services.keys.list(grant, query);
      return { items: page.items.map(presentKey), cursor: page.cursor };
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/api/v1/keys',
    summary: 'Create an API key; `secret` is shown this once',
    access: requires('key:write'),
    body: createKeySchema,
    reply: json(createdKeySchema, 201),
    handler: async ({ grant, actor, body, services }) => {
      // A key that makes keys would outlive its own end.
      if (actor.kind !== 'user') throw new CasemateError('forbidden', 'Only a person can create keys');
      const { key, secret } = await services.keys.create(grant, actor.userId, body);
      return { ...presentKey(key), secret };
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: '/api/v1/keys/:keyId',
    summary: 'Revoke an API key; its open connections end at once',
    access: requires('key:write'),
    params: keyParamsSchema,
    reply: empty,
    handler: async ({ grant, params, services }) => {
      await services.keys.revoke(grant, params.keyId);
    },
  }),
];
