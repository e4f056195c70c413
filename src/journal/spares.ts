import { closeSync, openSync, readdirSync, renameSync, statSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { segmentBytes, zeroSegment } from '#journal/segment.ts';

const spareName = /^spare-(\d{8})$/;

/**
 * Segments that nothing is in yet, whose room was taken from the disk beforehand: a disk that others
 * fill cannot keep a record out that has room in the journal (H8).
 */
export interface Spares {
  readonly count: number;
  /** Gives one the name `file`; makes one where none is left. Throws ENOSPC where that cannot be. */
  take(file: string): void;
  /** A segment whose records nobody needs any more becomes a spare. */
  giveBack(file: string): void;
  /** Makes spares until there are `wanted`, as far as the disk has room. Answers whether it had. */
  fill(wanted: number): boolean;
}

/** Takes up the spares in `directory`; those that a crash left unfinished are removed. */
export function openSpares(directory: string): Spares {
  const spares: string[] = [];
  let next = 1;
  for (const name of readdirSync(directory).sort()) {
    const match = spareName.exec(name);
    if (!match) continue;
    next = Math.max(next, Number(match[1]) + 1);
    const file = path.join(directory, name);
    if (statSync(file).size === segmentBytes) spares.push(file);
    else unlinkSync(file);
  }
  const nameNext = (): string => path.join(directory, `spare-${String(next++).padStart(8, '0')}`);

  const make = (): void => {
    const file = nameNext();
    const descriptor = openSync(file, 'wx', 0o600);
    try {
      zeroSegment(descriptor, 0);
    } catch (error) {
      closeSync(descriptor);
      unlinkSync(file);
      throw error;
    }
    closeSync(descriptor);
    spares.push(file);
  };

  return {
    get count() {
      return spares.length;
    },
    take(file) {
      if (spares.length === 0) make();
      renameSync(spares[0] as string, file);
      spares.shift();
    },
    giveBack(file) {
      // In place: the blocks stay taken. A reader of what a crash leaves sees by the sequence that it is old.
      const descriptor = openSync(file, 'r+');
      try {
        zeroSegment(descriptor, 0);
      } catch (error) {
        // One that an earlier release left short, on a disk that is full: its room goes back to the disk.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        unlinkSync(file);
        return;
      } finally {
        closeSync(descriptor);
      }
      const spare = nameNext();
      renameSync(file, spare);
      spares.push(spare);
    },
    fill(wanted) {
      try {
        while (spares.length < wanted) make();
        return true;
      } catch (error) {
        if (!['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
        return false;
      }
    },
  };
}
