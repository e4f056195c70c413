import { z } from 'zod';
import { createKeySchema } from '#contract/api.ts';
import { auditRecordSchema } from '#contract/audit.ts';
import { CasemateError } from '#contract/errors.ts';
import { defineRoute } from '#http/define-route.ts';
import { publicRoute } from '#http/public-route.ts';
import { json, lines } from '#http/replies.ts';
import { requires } from '#http/route-access.ts';
import { createdKeySchema, presentKey } from '#http/routes/keys.ts';
import { partNames } from '#http/status.ts';

const userSchema = z.strictObject({
  id: z.string(),
  email: z.string(),
  name: z.string(),
  createdAt: z.iso.datetime(),
  disabled: z.boolean(),
});

const reached = 'the mode of the admin socket is the authentication, and this works before there is an owner';

/** Of the admin socket alone; the network never sees these. */
export const adminRoutes = [
  defineRoute({
    method: 'GET',
    path: '/admin/status',
    summary: 'Version and parts of the server',
    access: publicRoute(reached),
    reply: json(
      z.strictObject({
        version: z.string(),
        origin: z.string(),
        localOrigin: z.string(),
        parts: z.record(z.enum(partNames), z.enum(['ok', 'down'])),
        setupNeeded: z.boolean(),
      }),
    ),
    handler: async ({ services }) => {
      const parts = await services.status.parts();
      const setupNeeded = parts.database === 'ok' && (await services.setup.isNeeded());
      const { version, origin, localOrigin } = services.status;
      return { version, origin, localOrigin, parts, setupNeeded };
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/setup-link',
    summary: 'Path and fragment of the one-time set-up link',
    access: publicRoute(reached),
    reply: json(z.strictObject({ path: z.string(), url: z.string() })),
    handler: async ({ services }) => {
      const path = await services.setup.currentLink();
      if (path === null) throw new CasemateError('gone', 'This server has an owner; sign in instead');
      return { path, url: `${services.status.localOrigin}${path}` };
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/keys',
    summary: "Create an API key with the first owner's rights at most",
    access: requires('key:write'),
    body: createKeySchema,
    reply: json(createdKeySchema, 201),
    handler: async ({ grant, body, services }) => {
      const owner = await services.roles.firstOwner();
      if (!owner) throw new CasemateError('conflict', 'There is no owner yet; finish set-up first');
      const { key, secret } = await services.keys.create(grant, owner.userId, body);
      return { ...presentKey(key), secret };
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/users',
    summary: 'Everybody with an account',
    access: requires('system:read'),
    reply: json(z.strictObject({ items: z.array(userSchema) })),
    handler: async ({ services }) => {
      const users = await services.people.listAll();
      return {
        items: users.map((user) => ({
          id: user.id,
          email: user.email,
          name: user.name,
          createdAt: user.createdAt.toISOString(),
          disabled: user.disabledAt !== null,
        })),
      };
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/audit',
    summary: 'Every chain from its first record, for an offline check',
    access: requires('audit:read'),
    reply: lines(auditRecordSchema),
    handler: async function* ({ services, signal }) {
      for (const { chain } of await services.audit.heads()) {
        for await (const record of services.audit.export(chain)) {
          if (signal.aborted) return;
          yield record;
        }
      }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/audit/heads',
    summary: 'The head of every chain, to see that an export is whole',
    access: requires('audit:read'),
    reply: json(
      z.strictObject({
        items: z.array(z.strictObject({ chain: z.string(), sequence: z.number().int(), hash: z.string() })),
      }),
    ),
    handler: async ({ services }) => ({ items: [...(await services.audit.heads())] }),
  }),
];
