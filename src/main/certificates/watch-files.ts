import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';

export interface WatchOptions {
  readonly settleMs?: number;
  /** Looked at all the same: a directory that was replaced tells nothing. */
  readonly everyMs?: number;
}

/**
 * Calls `changed` when something may have changed in the directories of these files: once it has been
 * quiet for a moment, since a pair is two files, and every minute besides. Directories, because files
 * are replaced by renaming, and links by other links.
 */
export function watchFiles(
  paths: readonly string[],
  changed: () => void,
  { settleMs = 300, everyMs = 60_000 }: WatchOptions = {},
): Disposable {
  let settle: NodeJS.Timeout | undefined;
  const soon = (): void => {
    clearTimeout(settle);
    settle = setTimeout(changed, settleMs);
  };
  const watchers: FSWatcher[] = [];
  for (const directory of new Set(paths.map(dirname))) {
    const watcher = watch(directory, { persistent: false }, soon);
    watcher.on('error', () => watcher.close());
    watchers.push(watcher);
  }
  const regularly = setInterval(changed, everyMs);
  regularly.unref();
  return {
    [Symbol.dispose]() {
      clearTimeout(settle);
      clearInterval(regularly);
      for (const watcher of watchers) watcher.close();
    },
  };
}
