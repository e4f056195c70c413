import { z } from 'zod';
import type { SandboxId, WorkspaceId } from '#base/ids.ts';
import { CasemateError } from '#contract/errors.ts';
import { rangeInUse } from '#warden/range-in-use.ts';
import { readRecord, writeRecord } from '#warden/write-record.ts';

/** Uids and gids of one sandbox. */
export const idsPerRange = 65_536;

const rangesSchema = z.record(z.string().regex(/^\d+$/), z.string().regex(/^(workspace|sandbox):[a-z2-7]{20}$/));

export type RangeOwner = `workspace:${string}` | `sandbox:${string}`;

/** Which range of uids belongs to whom. Every change is on disk before it is answered. */
export interface UidRanges {
  /** The range of a workspace's disk: the same one for good. Returns its first uid. */
  ofWorkspace(id: WorkspaceId): Promise<number>;
  /** A range for a sandbox without a workspace. Returns its first uid. */
  takeForSandbox(id: SandboxId): Promise<number>;
  /**
   * Frees the range of what is gone, whose files were in `image`. One of which a process, a key or a file
   * remains is kept, and false answered; it is tried again before the next range is given.
   */
  release(owner: RangeOwner, image: string): Promise<boolean>;
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
  /** Ranges that could not be freed yet, and their images. */
  const kept = new Map<RangeOwner, string>();
  const firstUid = (index: number): number => limits.first + index * idsPerRange;

  const free = async (owner: RangeOwner, image: string): Promise<boolean> => {
    const index = indexOf(owner);
    if (index === undefined) return true;
    kept.set(owner, image);
    if (rangeInUse({ first: firstUid(index), count: idsPerRange }, image)) return false;
    table.delete(index);
    try {
      await save();
    } catch (error) {
      table.set(index, owner);
      throw error;
    }
    kept.delete(owner);
    return true;
  };

  const take = (owner: RangeOwner): Promise<number> =>
    inTurn(async () => {
      const known = indexOf(owner);
      // Asked for again: it is nobody's to free any more.
      kept.delete(owner);
      if (known !== undefined) return firstUid(known);
      for (const [gone, image] of kept) await free(gone, image);
      let index = 0;
      while (table.has(index)) index += 1;
      if (index >= limits.count) {
        throw new CasemateError(
          'no_space',
          'Every uid range is in use. Delete workspaces or sandboxes, or give more ranges.',
        );
      }
      table.set(index, owner);
      try {
        await save();
      } catch (error) {
        table.delete(index);
        throw error;
      }
      return firstUid(index);
    });

  return {
    ofWorkspace: (id) => take(`workspace:${id}`),
    takeForSandbox: (id) => take(`sandbox:${id}`),
    release: (owner, image) => inTurn(() => free(owner, image)),
    owners: () => [...table.values()],
  };
}
