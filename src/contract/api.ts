import { z } from 'zod';
import { auditRecordSchema } from '#contract/audit.ts';
import {
  terminalIdSchema,
  terminalSizeSchema,
  userIdSchema,
  teamIdSchema,
  workspaceIdSchema,
  sandboxIdSchema,
} from '#contract/common.ts';
import { credentialKinds } from '#contract/broker.ts';
import { permissions } from '#contract/permissions.ts';
import { destinationSchema, policySchema } from '#contract/policy.ts';
import { fileEntrySchema, tierSchema } from '#contract/warden.ts';

/** The app's own API under /api/v1: bodies and replies. One schema validates, types and documents. */

/** RFC 9457 problem details; `code` is of contract/errors.ts. */
export const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string().optional(),
  requestId: z.string(),
  retryAfterSeconds: z.number().int().optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** Lists are pages: `cursor` is opaque, absent at the end. */
export const pageQuerySchema = z.strictObject({
  cursor: z.string().max(256).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ items: z.array(item), cursor: z.string().nullable() });

export const emailSchema = z
  .email()
  .max(254)
  .transform((email) => email.toLowerCase());
export const passwordSchema = z.string().min(8).max(256);
const noControl = (text: string) => !/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text);
export const personNameSchema = z.string().trim().min(1).max(80).refine(noControl, 'has control characters');

/** GET /session */
export const sessionSchema = z.strictObject({
  setupNeeded: z.boolean(),
  user: z.strictObject({ id: userIdSchema, email: z.string(), name: z.string() }).nullable(),
  team: z.strictObject({ id: teamIdSchema, name: z.string(), role: z.string() }).nullable(),
  permissions: z.array(z.enum(permissions as [string, ...string[]])),
  /** Sent back as `x-csrf-token` with every state change made with the cookie. */
  csrfToken: z.string().nullable(),
});
export type SessionView = z.infer<typeof sessionSchema>;

/** POST /setup; `token` is from the fragment of the set-up link. */
export const setupRequestSchema = z.strictObject({
  token: z.string().min(20).max(128),
  email: emailSchema,
  name: personNameSchema,
  password: passwordSchema,
});
/** POST /session */
export const signInRequestSchema = z.strictObject({ email: emailSchema, password: z.string().min(1).max(256) });

export const workspaceNameSchema = z.string().trim().min(1).max(50).refine(noControl, 'has control characters');
export const workspaceDescriptionSchema = z.string().max(200).refine(noControl, 'has control characters');

export const workspaceStateSchema = z.enum(['creating', 'cloning', 'ready', 'failed', 'deleted']);

export const workspaceSchema = z.strictObject({
  id: workspaceIdSchema,
  name: z.string(),
  description: z.string(),
  state: workspaceStateSchema,
  /** Why the state is `failed`, for a person. */
  failure: z.string().nullable(),
  git: z.strictObject({ url: z.string(), branch: z.string().nullable() }).nullable(),
  policy: policySchema,
  policyPreset: z.enum(['coding', 'closed', 'custom']),
  sandbox: z
    .strictObject({
      id: sandboxIdSchema,
      state: z.enum(['starting', 'running', 'frozen', 'stopping']),
      tier: tierSchema,
      startedAt: z.iso.datetime(),
    })
    .nullable(),
  terminals: z.number().int(),
  createdAt: z.iso.datetime(),
  lastUsedAt: z.iso.datetime(),
  /** Set while it can be restored. */
  purgeAt: z.iso.datetime().nullable(),
});
export type Workspace = z.infer<typeof workspaceSchema>;

/** POST /workspaces → 201. With `git` it answers at once in state `cloning`; GET …/events streams what git says. */
export const createWorkspaceSchema = z.strictObject({
  name: workspaceNameSchema,
  description: workspaceDescriptionSchema.default(''),
  policy: z.union([z.enum(['coding', 'closed']), policySchema]).default('coding'),
  git: z.strictObject({ url: z.string().min(1).max(2048), branch: z.string().min(1).max(255).optional() }).optional(),
});
/**
 * GET /workspaces (a page; `?deleted=true` lists what can still be restored) | GET, PATCH, DELETE /workspaces/:id
 * POST /workspaces/:id/restore | POST /workspaces/:id/cancel (ends the clone; state `failed`)
 * POST /workspaces/:id/retry (clones again; answers the workspace) | POST /workspaces/:id/start (the sandbox;
 * answers the workspace) | POST /workspaces/:id/stop. The body below is PATCH's.
 */
export const updateWorkspaceSchema = z.strictObject({
  name: workspaceNameSchema.optional(),
  description: workspaceDescriptionSchema.optional(),
});

/** GET /workspaces/:id/events (server-sent events); each `data` line is one of these. */
export const workspaceEventSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('workspace'), workspace: workspaceSchema }),
  z.strictObject({ type: z.literal('clone'), phase: z.string(), percent: z.number().nullable(), line: z.string() }),
  z.strictObject({
    type: z.literal('egress'),
    id: z.string(),
    time: z.iso.datetime(),
    allowed: z.boolean(),
    host: z.string(),
    port: z.number().int(),
    reason: z.string(),
    credential: z.string().nullable(),
  }),
  z.strictObject({ type: z.literal('terminals') }),
  z.strictObject({ type: z.literal('files') }),
]);
export type WorkspaceEvent = z.infer<typeof workspaceEventSchema>;

/** GET /workspaces/:id/git */
export const gitStatusSchema = z.strictObject({
  repository: z.boolean(),
  branch: z.string().nullable(),
  head: z.string().nullable(),
  dirty: z.number().int(),
  ahead: z.number().int().nullable(),
  behind: z.number().int().nullable(),
});
export type GitStatus = z.infer<typeof gitStatusSchema>;

/** GET /workspaces/:id/files?path= ; paths are relative to the workspace's directory, `.` is the top. */
export const filesQuerySchema = z.strictObject({
  path: z.string().max(8192).default('.'),
  /** `base64`: `path` is the base64 of the whole relative path, because some name in it is not valid UTF-8. */
  encoding: z.enum(['utf8', 'base64']).default('utf8'),
});
export const filesSchema = z.strictObject({
  path: z.string(),
  entries: z.array(fileEntrySchema),
  truncated: z.boolean(),
});
/** GET /workspaces/:id/file?path= answers application/octet-stream, attachment; 413 over `maximumFileViewBytes`. */
export const maximumFileViewBytes = 2_097_152;

/** GET /workspaces/:id/egress (a page, newest first) */
export const egressSchema = z.strictObject({
  id: z.string(),
  time: z.iso.datetime(),
  allowed: z.boolean(),
  method: z.string(),
  host: z.string(),
  port: z.number().int(),
  reason: z.string(),
  credential: z.string().nullable(),
});
export type Egress = z.infer<typeof egressSchema>;
/** POST /workspaces/:id/policy/allow; PUT /workspaces/:id/policy takes a whole policy */
export const allowRequestSchema = destinationSchema;

/** POST /workspaces/:id/terminals: starts the sandbox when it is stopped. No `program`: a login shell. */
export const createTerminalSchema = z.strictObject({
  program: z.enum(['shell', 'claude', 'codex']).default('shell'),
  /** A command line for the login shell instead of `program`. */
  command: z.string().min(1).max(4096).optional(),
  size: terminalSizeSchema.default({ columns: 80, rows: 24 }),
});
export const terminalSchema = z.strictObject({
  id: terminalIdSchema,
  workspaceId: workspaceIdSchema,
  title: z.string(),
  state: z.enum(['starting', 'running', 'ended']),
  exitCode: z.number().int().nullable(),
  signal: z.string().nullable(),
  viewers: z.number().int(),
  size: terminalSizeSchema,
  createdAt: z.iso.datetime(),
});
export type Terminal = z.infer<typeof terminalSchema>;
/** GET /workspaces/:id/terminals (a page) | DELETE /terminals/:id ends the program. */
/** GET /terminals/:id/socket?offset= (WebSocket, subprotocol below). Without offset the server chooses the start. */
export const terminalSubprotocol = 'casemate.terminal.v1';

/** GET /secrets (a page), PUT /secrets/:name, DELETE /secrets/:name */
export const secretSchema = z.strictObject({
  name: z.string(),
  kind: z.enum(credentialKinds),
  baseUrl: z.string(),
  setAt: z.iso.datetime(),
});
export type Secret = z.infer<typeof secretSchema>;
export const setSecretSchema = z.strictObject({
  kind: z.enum(credentialKinds),
  /** Defaults by kind: the vendor's API; for `git`, https://github.com. */
  baseUrl: z.string().max(512).optional(),
  userName: z.string().max(128).optional(),
  value: z.string().min(1).max(16_384),
});

/** GET /audit?event=&cursor= (newest first) */
export const auditListSchema = pageOf(auditRecordSchema);

/** Admin socket: POST /admin/keys */
export const createKeySchema = z.strictObject({
  name: z.string().trim().min(1).max(80),
  scopes: z.array(z.enum(['*', ...permissions] as [string, ...string[]])).min(1),
  expiresInDays: z.number().int().min(1).max(3650).optional(),
});
export const keySchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  prefix: z.string(),
  scopes: z.array(z.string()),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
  revokedAt: z.iso.datetime().nullable(),
  lastUsedAt: z.iso.datetime().nullable(),
});

/** GET /system */
export const systemSchema = z.strictObject({
  version: z.string(),
  parts: z.record(z.enum(['database', 'warden', 'keeper', 'broker']), z.enum(['ok', 'down'])),
  tiers: z.array(tierSchema),
});
