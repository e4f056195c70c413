import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import type { TeamId } from '#base/ids.ts';
import { recordingHeaderBytes } from '#contract/recording.ts';
import { decodeRecordingHeader } from '#contract/recording-head.ts';

/** How many bytes the recordings of each team have in a directory. */
export interface RecordedBytes {
  count(): Map<TeamId, number>;
}

/** Reads each file's head once, to know whose it is; what has no whole head yet counts for nobody. */
export function createRecordedBytes(directory: string): RecordedBytes {
  const owners = new Map<string, TeamId>();

  const ownerOf = (name: string): TeamId | undefined => {
    const known = owners.get(name);
    if (known) return known;
    const head = Buffer.alloc(recordingHeaderBytes);
    const descriptor = openSync(path.join(directory, name), 'r');
    try {
      if (readSync(descriptor, head, 0, head.length, 0) < head.length) return undefined;
    } finally {
      closeSync(descriptor);
    }
    // A file that is no recording fills the disk, and is no team's.
    const owner = decodeRecordingHeader(head)?.teamId;
    if (owner) owners.set(name, owner);
    return owner;
  };

  return {
    count() {
      const bytes = new Map<TeamId, number>();
      const names = readdirSync(directory).filter((name) => name.endsWith('.rec'));
      for (const name of names) {
        try {
          const team = ownerOf(name);
          if (team) bytes.set(team, (bytes.get(team) ?? 0) + statSync(path.join(directory, name)).size);
        } catch (error) {
          // Removed since the directory was read.
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        }
      }
      return bytes;
    },
  };
}
