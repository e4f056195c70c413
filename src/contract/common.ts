import { z } from 'zod';
import { idPattern, type SandboxId, type TeamId, type TerminalId, type UserId, type WorkspaceId } from '#base/ids.ts';

const id = z.string().regex(idPattern);

export const userIdSchema = id.transform((text) => text as UserId);
export const teamIdSchema = id.transform((text) => text as TeamId);
export const workspaceIdSchema = id.transform((text) => text as WorkspaceId);
export const sandboxIdSchema = id.transform((text) => text as SandboxId);
export const terminalIdSchema = id.transform((text) => text as TerminalId);

/** Under which the server put a command on record before it gave it. */
export const commandIdSchema = id;

/** Standard base64 with padding. */
export const base64Schema = z.base64().max(1_400_000);

/**
 * A path as a sandbox sees it. File names on Linux are bytes, so a path that is not valid UTF-8
 * travels as `base64`. NUL and more than 4,095 bytes are refused by the warden (`invalid_path`).
 */
export const guestPathSchema = z.strictObject({
  path: z.string().min(1).max(8192),
  encoding: z.enum(['utf8', 'base64']).default('utf8'),
});
export type GuestPath = z.infer<typeof guestPathSchema>;

/** Names of environment variables; values have no NUL. The warden adds its own and refuses loader variables. */
export const environmentSchema = z
  .record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/),
    z
      .string()
      .max(32_768)
      .refine((value) => !value.includes('\0')),
  )
  .refine((variables) => Object.keys(variables).length <= 128);

export const argumentsSchema = z
  .array(
    z
      .string()
      .max(131_072)
      .refine((argument) => !argument.includes('\0')),
  )
  .min(1)
  .max(1024);

export const terminalSizeSchema = z.strictObject({
  columns: z.number().int().min(1).max(1000),
  rows: z.number().int().min(1).max(1000),
});
export type TerminalSize = z.infer<typeof terminalSizeSchema>;
