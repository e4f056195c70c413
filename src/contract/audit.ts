import { z } from 'zod';

/**
 * Every event of the audit trail, with every field classed:
 * `record` is stored as it is; `digest` is stored as SHA-256 (something that must be comparable but
 * not readable); a value that belongs to neither does not belong into the trail.
 */
export type FieldClass = 'record' | 'digest';

interface EventContract {
  /** A plain sentence for people; `{field}` is replaced. The actor stands before it. */
  readonly sentence: string;
  readonly fields: Readonly<Record<string, FieldClass>>;
}

export const auditCatalogue = {
  'setup.completed': { sentence: 'set this server up', fields: { email: 'record' } },
  'session.started': { sentence: 'signed in', fields: { method: 'record' } },
  'session.refused': { sentence: 'failed to sign in', fields: { reason: 'record', email: 'digest', count: 'record' } },
  'session.ended': { sentence: 'signed out', fields: { reason: 'record' } },
  'access.denied': {
    sentence: 'was refused {permission}',
    fields: { permission: 'record', route: 'record', reason: 'record' },
  },
  'key.created': {
    sentence: 'created the API key {name}',
    fields: { keyId: 'record', name: 'record', scopes: 'record' },
  },
  'key.revoked': { sentence: 'revoked the API key {name}', fields: { keyId: 'record', name: 'record' } },
  'workspace.created': {
    sentence: 'created the workspace {name}',
    fields: { workspaceId: 'record', name: 'record', source: 'record', policy: 'record' },
  },
  'workspace.cloned': {
    sentence: 'cloned {source} into {name}',
    fields: { workspaceId: 'record', name: 'record', source: 'record' },
  },
  'workspace.clone-failed': {
    sentence: 'could not clone {source}',
    fields: { workspaceId: 'record', source: 'record', reason: 'record' },
  },
  'workspace.clone-retried': {
    sentence: 'tried again to clone {source}',
    fields: { workspaceId: 'record', source: 'record' },
  },
  'workspace.renamed': {
    sentence: 'renamed the workspace to {name}',
    fields: { workspaceId: 'record', name: 'record' },
  },
  'workspace.deleted': { sentence: 'deleted the workspace {name}', fields: { workspaceId: 'record', name: 'record' } },
  'workspace.restored': {
    sentence: 'restored the workspace {name}',
    fields: { workspaceId: 'record', name: 'record' },
  },
  'workspace.purged': {
    sentence: 'removed the workspace {name} for good',
    fields: { workspaceId: 'record', name: 'record' },
  },
  'file.read': { sentence: 'read {path}', fields: { workspaceId: 'record', path: 'record', bytes: 'record' } },
  'sandbox.started': {
    sentence: 'started a sandbox ({tier})',
    fields: { sandboxId: 'record', workspaceId: 'record', template: 'record', tier: 'record' },
  },
  'sandbox.stopped': {
    sentence: 'stopped a sandbox',
    fields: { sandboxId: 'record', workspaceId: 'record', reason: 'record' },
  },
  'terminal.opened': {
    sentence: 'opened a terminal',
    fields: { terminalId: 'record', sandboxId: 'record', workspaceId: 'record', program: 'record' },
  },
  'terminal.attached': { sentence: 'attached to a terminal', fields: { terminalId: 'record', drives: 'record' } },
  'terminal.closed': { sentence: 'closed a terminal', fields: { terminalId: 'record' } },
  'terminal.ended': {
    sentence: 'ended a terminal',
    fields: { terminalId: 'record', exitCode: 'record', signal: 'record', bytes: 'record' },
  },
  'policy.changed': {
    sentence: 'changed what may leave {workspaceId}',
    fields: { workspaceId: 'record', change: 'record' },
  },
  'egress.allowed': {
    sentence: 'reached {host}:{port}',
    fields: {
      sandboxId: 'record',
      workspaceId: 'record',
      host: 'record',
      port: 'record',
      method: 'record',
      reason: 'record',
      credential: 'record',
    },
  },
  'egress.refused': {
    sentence: 'was kept from {host}:{port}',
    fields: {
      sandboxId: 'record',
      workspaceId: 'record',
      host: 'record',
      port: 'record',
      method: 'record',
      reason: 'record',
      credential: 'record',
    },
  },
  'process-egress.allowed': {
    sentence: 'reached {host}:{port}',
    fields: { host: 'record', port: 'record', method: 'record', reason: 'record' },
  },
  'process-egress.refused': {
    sentence: 'was kept from {host}:{port}',
    fields: { host: 'record', port: 'record', method: 'record', reason: 'record' },
  },
  'secret.set': { sentence: 'set the secret {name}', fields: { name: 'record', kind: 'record', baseUrl: 'record' } },
  'secret.removed': { sentence: 'removed the secret {name}', fields: { name: 'record' } },
  'journal.gap': {
    sentence: 'found a gap in the journal of {process}',
    fields: { process: 'record', expected: 'record', found: 'record' },
  },
  'journal.broken': {
    sentence: 'found the journal of {process} altered',
    fields: { process: 'record', sequence: 'record' },
  },
  'warden.command': {
    sentence: 'carried out {kind}',
    fields: { kind: 'record', sandboxId: 'record', detail: 'record' },
  },
  'alert.command': {
    sentence: 'was made to carry out {kind} by somebody other than this server (record {sequence} of its journal)',
    fields: { kind: 'record', sandboxId: 'record', sequence: 'record' },
  },
  'alert.checkpoint': {
    sentence: 'was refused a signature under record {sequence} of {chainName}: {reason}',
    fields: { chainName: 'record', sequence: 'record', reason: 'record' },
  },
  'server.started': { sentence: 'started', fields: { version: 'record' } },
  'server.stopped': { sentence: 'stopped', fields: { reason: 'record' } },
} as const satisfies Record<string, EventContract>;

export type AuditEventName = keyof typeof auditCatalogue;
export type AuditFields<Name extends AuditEventName> = {
  readonly [Field in keyof (typeof auditCatalogue)[Name]['fields']]: string | number | boolean | null;
};

export const auditActorSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('user'), id: z.string() }),
  z.strictObject({ kind: z.literal('key'), id: z.string(), owner: z.string() }),
  z.strictObject({ kind: z.literal('operator') }),
  z.strictObject({ kind: z.literal('sandbox'), id: z.string() }),
  z.strictObject({ kind: z.literal('system'), process: z.string() }),
  z.strictObject({ kind: z.literal('stranger') }),
]);
export type AuditActor = z.infer<typeof auditActorSchema>;

/** One row of the trail, as listed, exported (JSONL) and verified. */
export const auditRecordSchema = z.strictObject({
  /** Chain: a team id, or `instance` for what belongs to no team. */
  chain: z.string(),
  sequence: z.number().int().min(1),
  /** ISO 8601, UTC, milliseconds. */
  time: z.iso.datetime(),
  event: z.string(),
  outcome: z.enum(['success', 'denied', 'failed']),
  actor: auditActorSchema,
  requestId: z.string().nullable(),
  address: z.string().nullable(),
  fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  previous: z.string().regex(/^[0-9a-f]{64}$/),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});
export type AuditRecord = z.infer<typeof auditRecordSchema>;
