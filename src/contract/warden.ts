import { z } from 'zod';
import type { MethodTable } from '#contract/channel.ts';
import {
  argumentsSchema,
  commandIdSchema,
  environmentSchema,
  guestPathSchema,
  sandboxIdSchema,
  teamIdSchema,
  terminalIdSchema,
  terminalSizeSchema,
  workspaceIdSchema,
} from '#contract/common.ts';
import { journalRead } from '#contract/journal.ts';

/** Isolation tiers are OCI runtimes. Only those that this machine has are offered. */
export const tierSchema = z.enum(['crun', 'runsc']);
export type Tier = z.infer<typeof tierSchema>;

/** Hard maxima above these come from the warden's own root-owned configuration. */
export const resourcesSchema = z.strictObject({
  memoryMiB: z.number().int().min(32).max(1_048_576),
  /** Hundredths of a CPU: 200 is two CPUs. */
  cpuPercent: z.number().int().min(5).max(25_600),
  processes: z.number().int().min(8).max(65_536),
  diskMiB: z.number().int().min(64).max(4_194_304),
  inodes: z.number().int().min(4096).max(100_000_000),
});
export type Resources = z.infer<typeof resourcesSchema>;

export const templateNameSchema = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/);

const owned = { sandboxId: sandboxIdSchema, teamId: teamIdSchema };
/** Without it, or with one that is on no record, a command is carried out and raises an alert (H5). */
const command = { commandId: commandIdSchema.optional() };
const none = z.strictObject({});
const at = { ...owned, at: guestPathSchema };
const changing = { ...at, ...command };

export const fileEntrySchema = z.strictObject({
  /** Last component; base64 when `encoding` says so, because the name is not valid UTF-8. */
  name: z.string(),
  encoding: z.enum(['utf8', 'base64']),
  type: z.enum(['file', 'directory', 'symlink', 'other']),
  size: z.number().int(),
  /** Permission bits only. */
  mode: z.number().int(),
  /** Inside the sandbox; 65534 for owners outside its range. */
  uid: z.number().int(),
  gid: z.number().int(),
  modifiedMs: z.number(),
  /** Where a symbolic link points, as text; absent for all else. */
  target: z.string().optional(),
});
export type FileEntry = z.infer<typeof fileEntrySchema>;

export const sandboxStatusSchema = z.strictObject({
  sandboxId: sandboxIdSchema,
  teamId: teamIdSchema,
  workspaceId: workspaceIdSchema.nullable(),
  state: z.enum(['running', 'frozen', 'stopped']),
  tier: tierSchema,
  template: templateNameSchema,
  startedMs: z.number(),
});
export type SandboxStatus = z.infer<typeof sandboxStatusSchema>;

export const exitSchema = z.strictObject({
  /** Null when ended by a signal, or when nobody could observe the code. */
  exitCode: z.number().int().nullable(),
  signal: z.string().nullable(),
});
export type Exit = z.infer<typeof exitSchema>;

export const wardenEventSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('terminal.exited'), terminalId: terminalIdSchema, exit: exitSchema }),
  z.strictObject({ type: z.literal('sandbox.stopped'), sandboxId: sandboxIdSchema, reason: z.string() }),
]);
export type WardenEvent = z.infer<typeof wardenEventSchema>;

export const execItemSchema = z.strictObject({ stream: z.enum(['stdout', 'stderr', 'stdin']) });

/**
 * What the server may ask of the warden. Ids, never paths of the host, privileges or runtime flags.
 * Every id is bound to its team for good at first use; another team's id answers `not_found`.
 */
export const wardenMethods = {
  'warden.health': {
    request: none,
    reply: z.strictObject({ tiers: z.array(tierSchema), templates: z.array(templateNameSchema), broker: z.boolean() }),
  },
  /**
   * Makes and starts a sandbox. With a workspace, its disk (made at first use) is mounted at
   * /home/user and outlives the sandbox; without one, everything goes with the sandbox.
   * A second call with the same ids answers with what runs.
   */
  'sandbox.create': {
    request: z.strictObject({
      ...owned,
      ...command,
      workspaceId: workspaceIdSchema.nullable(),
      template: templateNameSchema,
      tier: tierSchema,
      resources: resourcesSchema,
      environment: environmentSchema,
    }),
    reply: sandboxStatusSchema,
  },
  /** Ends every process and leaves nothing but the workspace's disk. Answers also when it is gone already. */
  'sandbox.kill': { request: z.strictObject({ ...owned, ...command }), reply: none },
  'sandbox.list': { request: none, reply: z.strictObject({ sandboxes: z.array(sandboxStatusSchema) }) },
  'sandbox.usage': {
    request: z.strictObject(owned),
    reply: z.strictObject({
      memoryBytes: z.number(),
      cpuMicroseconds: z.number(),
      /** Processes apart from pid 1. */
      processes: z.number().int(),
      diskUsedBytes: z.number(),
      diskTotalBytes: z.number(),
      inodesUsed: z.number(),
      inodesTotal: z.number(),
    }),
  },
  /** Deletes a workspace's disk for good. Refused (`conflict`) while a sandbox uses it. */
  'disk.delete': {
    request: z.strictObject({ workspaceId: workspaceIdSchema, teamId: teamIdSchema, ...command }),
    reply: none,
  },
  /**
   * Runs a program. Items down carry stdout and stderr in order of arrival; items up are stdin, ended
   * by end. Cancel kills the program and everything it started in its own process group.
   */
  'exec.run': {
    request: z.strictObject({
      ...owned,
      ...command,
      arguments: argumentsSchema,
      workingDirectory: guestPathSchema,
      environment: environmentSchema,
      user: z.enum(['user', 'root']),
      timeoutMs: z.number().int().min(1).max(86_400_000),
    }),
    reply: exitSchema.extend({ timedOut: z.boolean() }),
    stream: 'both',
    item: execItemSchema,
  },
  /**
   * Starts a program on a PTY whose master crun hands to the keeper, which must have the terminal
   * open already (`terminal.open`). The warden never touches its bytes.
   */
  'terminal.start': {
    request: z.strictObject({
      ...owned,
      ...command,
      terminalId: terminalIdSchema,
      arguments: argumentsSchema,
      workingDirectory: guestPathSchema,
      environment: environmentSchema,
      size: terminalSizeSchema,
    }),
    reply: none,
  },
  /** Ends the terminal's processes: SIGHUP, then SIGKILL to its cgroup after two seconds. */
  'terminal.kill': { request: z.strictObject({ ...owned, ...command, terminalId: terminalIdSchema }), reply: none },
  /** Terminals that run, and those that ended since their exit was last asked for. */
  'terminal.list': {
    request: none,
    reply: z.strictObject({
      terminals: z.array(
        z.strictObject({
          terminalId: terminalIdSchema,
          sandboxId: sandboxIdSchema,
          running: z.boolean(),
          exit: exitSchema.nullable(),
        }),
      ),
    }),
  },
  /** Items down, until cancelled. What happened before is found by the lists. */
  events: { request: none, reply: none, stream: 'down', item: wardenEventSchema },

  'file.list': {
    request: z.strictObject({ ...at, limit: z.number().int().min(1).max(10_000) }),
    reply: z.strictObject({ entries: z.array(fileEntrySchema), truncated: z.boolean() }),
  },
  'file.stat': { request: z.strictObject(at), reply: fileEntrySchema },
  /** Regular files only. Items down; the reply says how large the file was. */
  'file.read': {
    request: z.strictObject({
      ...changing,
      offset: z.number().int().min(0).default(0),
      length: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
    }),
    reply: z.strictObject({ size: z.number().int() }),
    stream: 'down',
    item: none,
  },
  /**
   * Items up, then end. Written beside the target and renamed over it: a reader sees old or new. With
   * `durable`, the answer comes when file and name have reached the disk.
   */
  'file.write': {
    request: z.strictObject({
      ...changing,
      mode: z.number().int().min(0).max(0o777).default(0o644),
      durable: z.boolean().default(false),
    }),
    reply: fileEntrySchema,
    stream: 'up',
    item: none,
  },
  'file.makeDirectory': { request: z.strictObject(changing), reply: fileEntrySchema },
  'file.rename': { request: z.strictObject({ ...changing, to: guestPathSchema }), reply: none },
  /** Files, links and, with everything below them, directories. */
  'file.remove': { request: z.strictObject(changing), reply: none },
  /** A TCP connection to a port on the sandbox's own loopback. Items both ways are its bytes. */
  'port.dial': {
    request: z.strictObject({ ...owned, ...command, port: z.number().int().min(1).max(65_535) }),
    reply: none,
    stream: 'both',
    item: none,
  },
  'journal.read': journalRead,
} as const satisfies MethodTable;

/** Methods that act, by the kind under which the warden's journal has them. */
export const wardenCommands = {
  'sandbox.create': 'sandbox.create',
  'sandbox.kill': 'sandbox.kill',
  'disk.delete': 'disk.delete',
  'exec.run': 'exec.run',
  'terminal.start': 'terminal.start',
  'terminal.kill': 'terminal.kill',
  'file.read': 'file.read',
  'file.write': 'file.write',
  'file.makeDirectory': 'file.make-directory',
  'file.rename': 'file.rename',
  'file.remove': 'file.remove',
  'port.dial': 'port.dial',
} as const satisfies Partial<Record<keyof typeof wardenMethods, string>>;
export type WardenCommand = keyof typeof wardenCommands;
export type WardenJournalKind = (typeof wardenCommands)[WardenCommand];

export const isWardenCommand = (method: string): method is WardenCommand => Object.hasOwn(wardenCommands, method);
