import { auditContext, type Grant } from '#access/grant.ts';
import type { WorkspaceId } from '#base/ids.ts';
import { type filesSchema, maximumFileViewBytes } from '#contract/api.ts';
import { CasemateError } from '#contract/errors.ts';
import type { FileEntry } from '#contract/warden.ts';
import type { WorkspaceContext } from '#workspaces/workspace-context.ts';
import { parseWorkspacePath, type RelativePath } from '#workspaces/workspace-path.ts';
import type { z } from 'zod';

const listLimit = 5000;

/** What is in a directory: directories first, then by name. */
export async function listFiles(
  context: WorkspaceContext,
  grant: Grant<'workspace:read'>,
  workspaceId: WorkspaceId,
  path: RelativePath,
): Promise<z.input<typeof filesSchema>> {
  const { guest } = parseWorkspacePath(path);
  const { sandboxId, teamId } = await context.sandboxes.ensure(grant, workspaceId);
  const { reply } = await context.warden.call('file.list', { sandboxId, teamId, at: guest, limit: listLimit });
  return { path: path.path, entries: [...reply.entries].sort(byKindAndName), truncated: reply.truncated };
}

function byKindAndName(a: FileEntry, b: FileEntry): number {
  const kind = Number(b.type === 'directory') - Number(a.type === 'directory');
  return kind === 0 ? (a.name < b.name ? -1 : 1) : kind;
}

export interface FileBytes {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/** The bytes of a regular file; `too_large` above `maximumFileViewBytes`. That it was read is on record. */
export async function readFile(
  context: WorkspaceContext,
  grant: Grant<'workspace:read'>,
  workspaceId: WorkspaceId,
  path: RelativePath,
  signal: AbortSignal,
): Promise<FileBytes> {
  const { guest, display, name } = parseWorkspacePath(path);
  const { sandboxId, teamId } = await context.sandboxes.ensure(grant, workspaceId);
  const call = context.warden.open(
    'file.read',
    { sandboxId, teamId, at: guest, length: maximumFileViewBytes + 1 },
    { signal },
  );
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const { payload } of call.items) {
    parts.push(payload);
    length += payload.length;
  }
  await call.done;
  if (length > maximumFileViewBytes) {
    throw new CasemateError('too_large', `Files up to ${maximumFileViewBytes / 1_048_576} MiB can be shown.`);
  }
  await context.audit.record({
    ...auditContext(grant),
    event: 'file.read',
    outcome: 'success',
    fields: { workspaceId, path: display.slice(0, 1000), bytes: length },
  });
  return { bytes: Buffer.concat(parts, length), name };
}
