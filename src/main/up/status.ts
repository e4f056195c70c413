import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { DataPaths } from '#main/up/paths.ts';

const partSchema = z.strictObject({
  name: z.string(),
  state: z.enum(['starting', 'ready', 'waiting', 'failed', 'stopped']),
  pid: z.number().int().nullable(),
  restarts: z.number().int(),
  problem: z.string().nullable(),
});

export const statusSchema = z.strictObject({
  /** Of the supervisor. */
  pid: z.number().int(),
  url: z.string(),
  /** Where a person on this machine goes. */
  localOrigin: z.string(),
  port: z.number().int(),
  release: z.string(),
  startedMs: z.number(),
  /** All parts are ready. */
  ready: z.boolean(),
  /** Path of the one-time set-up link, until an owner exists. */
  setupPath: z.string().nullable(),
  /** What the server serves, under TLS; `problem`: why there are no newer ones. */
  certificates: z.array(
    z.strictObject({ names: z.array(z.string()), endsMs: z.number(), problem: z.string().nullable() }),
  ),
  parts: z.array(partSchema),
});
export type Status = z.infer<typeof statusSchema>;

/** Written at each change, for `status`; only root reads it. */
export function writeStatus(paths: DataPaths, status: Status): void {
  writeFileSync(`${paths.status}.new`, `${JSON.stringify(status, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${paths.status}.new`, paths.status);
}

export function readStatus(paths: DataPaths): Status | null {
  if (!existsSync(paths.status)) return null;
  return statusSchema.parse(JSON.parse(readFileSync(paths.status, 'utf8')));
}
