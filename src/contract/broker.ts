import { z } from 'zod';
import type { MethodTable } from '#contract/channel.ts';
import { base64Schema, sandboxIdSchema, teamIdSchema, workspaceIdSchema } from '#contract/common.ts';
import { journalRead } from '#contract/journal.ts';
import { policySchema } from '#contract/policy.ts';

const none = z.strictObject({});

/** The door's address inside every sandbox. */
export const doorAddress = { host: '127.0.0.1', port: 3128 } as const;

/**
 * `anthropic` and `openai` answer under `/anthropic` and `/openai` at the door; `git` under
 * `/git/<host>/`. The credential is added upstream, and what the guest sent as its own is dropped.
 */
export const credentialKinds = ['anthropic', 'openai', 'git'] as const;
export type CredentialKind = (typeof credentialKinds)[number];

/** The clear part of a secret: authenticated with the sealed value, so that none can be moved to another host or team. */
export const secretDescriptionSchema = z.strictObject({
  teamId: teamIdSchema,
  name: z.string().regex(/^[a-z][a-z0-9._-]{0,62}$/),
  kind: z.enum(credentialKinds),
  /** Origin that the credential may be sent to, such as `https://host` or `https://host:8443/prefix`. */
  baseUrl: z.url({ protocol: /^https?$/ }).max(512),
  /** For `git`: the user name of HTTP basic authentication. */
  userName: z.string().max(128).default('x-access-token'),
});
export type SecretDescription = z.infer<typeof secretDescriptionSchema>;

/** What the server may ask of the broker. */
export const brokerMethods = {
  'broker.health': {
    request: none,
    /** `publicKey`: raw X25519, base64; secrets are sealed to it. */
    reply: z.strictObject({ publicKey: base64Schema, doors: z.number().int() }),
  },
  /** Takes effect for new connections at once, and ends open ones that it no longer allows. */
  'policy.set': {
    request: z.strictObject({
      sandboxId: sandboxIdSchema,
      teamId: teamIdSchema,
      workspaceId: workspaceIdSchema.nullable(),
      policy: policySchema,
    }),
    reply: none,
  },
  'policy.drop': { request: z.strictObject({ sandboxId: sandboxIdSchema }), reply: none },
  /** `sealed`: `sealSecret` of contract/secret.ts. Kept by the broker over its restarts. */
  'secret.set': {
    request: z.strictObject({ description: secretDescriptionSchema, sealed: base64Schema }),
    reply: none,
  },
  'secret.drop': {
    request: z.strictObject({ teamId: teamIdSchema, name: secretDescriptionSchema.shape.name }),
    reply: none,
  },
  'journal.read': journalRead,
} as const satisfies MethodTable;

/** What the warden tells its child over Node's IPC; a `net.Server` travels beside `door.open`. */
export const doorMessageSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('door.open'), sandboxId: sandboxIdSchema, teamId: teamIdSchema }),
  z.strictObject({ type: z.literal('door.close'), sandboxId: sandboxIdSchema }),
]);
export type DoorMessage = z.infer<typeof doorMessageSchema>;

/** Journal kinds of the broker, and the members of their data. */
export const egressKinds = {
  /** data: sandboxId, teamId, workspaceId, method, host, port, reason, credential */
  allowed: 'egress.allowed',
  /** data: the same; reason says which rule or guard */
  refused: 'egress.refused',
  /** data: sandboxId, host, port, bytesOut, bytesIn, milliseconds, outcome */
  closed: 'egress.closed',
} as const;

/** The same for our own processes (H12); data: process in place of sandboxId, teamId, workspaceId, credential. */
export const processEgressKinds = {
  allowed: 'process-egress.allowed',
  refused: 'process-egress.refused',
  closed: 'process-egress.closed',
} as const;
