import { z } from 'zod';
import { sandboxIdSchema, teamIdSchema, terminalIdSchema, workspaceIdSchema } from '#contract/common.ts';
import { exitSchema, resourcesSchema, templateNameSchema, tierSchema } from '#contract/warden.ts';

/** A process that a later warden can recognise: pids are reused, a pid with its start time is not. */
export const processMarkSchema = z.strictObject({
  pid: z.number().int().min(2),
  /** Field 22 of /proc/<pid>/stat, in clock ticks since boot. */
  startTicks: z.string(),
  bootId: z.string(),
});
export type ProcessMark = z.infer<typeof processMarkSchema>;

/** `sandbox.json`: what lies on disk beside a sandbox, written before anything of it is made. */
export const sandboxRecordSchema = z.strictObject({
  sandboxId: sandboxIdSchema,
  teamId: teamIdSchema,
  workspaceId: workspaceIdSchema.nullable(),
  template: templateNameSchema,
  tier: tierSchema,
  resources: resourcesSchema,
  environment: z.record(z.string(), z.string()),
  /** First of its 65,536 uids and gids. */
  firstUid: z.number().int(),
  startedMs: z.number(),
  /** Null until the runtime has started it. */
  init: processMarkSchema.nullable(),
});
export type SandboxRecord = z.infer<typeof sandboxRecordSchema>;

/** `terminals/<id>.json`. */
export const terminalRecordSchema = z.strictObject({
  terminalId: terminalIdSchema,
  sandboxId: sandboxIdSchema,
  /** Null until the runtime has started it. */
  process: processMarkSchema.nullable(),
  exit: exitSchema.nullable(),
});
export type TerminalRecord = z.infer<typeof terminalRecordSchema>;

/** `disk.json`: a workspace's disk keeps its owner and its uid range for good. */
export const diskRecordSchema = z.strictObject({
  workspaceId: workspaceIdSchema,
  teamId: teamIdSchema,
  firstUid: z.number().int(),
  diskMiB: z.number().int(),
});
