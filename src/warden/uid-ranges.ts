import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import type { SandboxId, WorkspaceId } from '#base/ids.ts';
import { CasemateError } from '#contract/errors.ts';
import { idsPerRange } from '#warden/ids-per-range.ts';
import { readRecord, writeRecord } from '#warden/write-record.ts';

const rangesSchema = z.record(z.string().regex(/^\d+$/), z.string().regex(/^(workspace|sandbox):[a-z2-7]{20}$/));

/** Which range of uids belongs to whom. Every change is on disk before it is answered. */
export interface UidRanges {
  /** The range of a workspace's disk: the same one for good. Returns its first uid. */
  ofWorkspace(id: WorkspaceId): Promise<number>;
  /** A range for a sandbox without a workspace. Returns its first uid. */
  takeForSandbox(id: SandboxId): Promise<number>;
  /** Frees the range of what is gone. A range in which a process still runs is kept, and false answered. */
  release(owner: `workspace:${string}` | `sandbox:${string}`): Promise<boolean>;
  /** Whom each range belongs to. */
  owners(): readonly string[];
}

/** Opens the table of ranges. Two allocations never interleave: each waits for the one before. */
export async function openUidRanges(
  file: string,
  limits: { readonly first: number; readonly count: number },
): Promise<UidRanges> {
  const table = new Map<number, string>();
  for (const [index, owner] of Object.entries((await readRecord(file, rangesSchema)) ?? {})) {
    table.set(Number(index), owner);
  }
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(act: () => Promise<Result>): Promise<Result> => {
    const result = last.then(act);
    last = result.catch(() => undefined);
    return result;
  };
  const save = (): Promise<void> => writeRecord(file, Object.fromEntries(table));
  const indexOf = (owner: string): number | undefined => [...table].find(([, other]) => other === owner)?.[0];
  const firstUid = (index: number): number => limits.first + index * idsPerRange;

  const take = (owner: string): Promise<number> =>
    inTurn(async () => {
      const known = indexOf(owner);
      if (known !== undefined) return firstUid(known);
      let free = 0;
      while (table.has(free)) free += 1;
      if (free >= limits.count) {
        throw new CasemateError(
          'no_space',
          'Every uid range is in use. Delete workspaces or sandboxes, or give more ranges.',
        );
      }
      table.set(free, owner);
      try {
        await save();
      } catch (error) {
        table.delete(free);
        throw error;
      }
      return firstUid(free);
    });

  return {
    ofWorkspace: (id) => take(`workspace:${id}`),
    takeForSandbox: (id) => take(`sandbox:${id}`),
    release: (owner) =>
      inTurn(async () => {
        const index = indexOf(owner);
        if (index === undefined) return true;
        if (rangeInUse(firstUid(index))) return false;
        table.delete(index);
        try {
          await save();
        } catch (error) {
          table.set(index, owner);
          throw error;
        }
        return true;
      }),
    owners: () => [...table.values()],
  };
}

/** True while any process has a uid of the range (H6). */
function rangeInUse(first: number): boolean {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    let status: string;
    try {
      status = readFileSync(`/proc/${name}/status`, 'latin1');
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' || code === 'ESRCH') continue;
      throw error;
    }
    // A zombie without threads can do nothing any more; it waits for its parent, which may be the host's init.
    if (/^State:\tZ/m.test(status) && /^Threads:\t[01]$/m.test(status)) continue;
    const uids = /^Uid:\t(.*)$/m.exec(status)?.[1]?.split('\t').map(Number) ?? [];
    if (uids.some((uid) => uid >= first && uid < first + idsPerRange)) return true;
  }
  return false;
}
