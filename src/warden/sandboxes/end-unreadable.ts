import type { SandboxId } from '#base/ids.ts';
import type { Log } from '#channel/log.ts';
import { readPlacedRecord } from '#warden/write-record.ts';
import { type SandboxRecord, sandboxRecordSchema } from '#warden/sandboxes/sandbox-record.ts';
import { tearDown, type TeardownOptions } from '#warden/sandboxes/teardown.ts';

/**
 * The record of a sandbox, or undefined when there is none. One that cannot be understood is no reason to let
 * its sandbox run on: nobody could say whose it is, see it or stop it. It is ended and cleaned away; the disk of its
 * workspace stays. Throws what the file system says, and when something of it stays busy.
 */
export async function readOrEnd(
  options: Omit<TeardownOptions, 'ownRange'>,
  log: Log,
): Promise<SandboxRecord | 'ended' | undefined> {
  const { sandboxId, paths, ranges } = options;
  try {
    return await readPlacedRecord(paths.record, sandboxRecordSchema);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) throw error;
    log.error({ err: error, sandboxId }, 'the record of a sandbox cannot be understood; the sandbox is ended');
  }
  await tearDown({ ...options, ownRange: ranges.owners().includes(rangeOwner(sandboxId)) });
  return 'ended';
}

const rangeOwner = (sandboxId: SandboxId): string => `sandbox:${sandboxId}`;
