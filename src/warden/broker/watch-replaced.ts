import { readFileSync, statSync, type StatsListener, unwatchFile, watchFile } from 'node:fs';

/** What the machine changes when it comes to another network. */
export const nameServiceFiles: readonly string[] = ['/etc/resolv.conf', '/etc/hosts'];

const lookEveryMs = 5000;

/**
 * Calls `onReplaced` when a file was replaced by another with other contents: a mount of the former goes on showing
 * that. A file that is rewritten in place shows through, and one that is the same text again is no change.
 */
export function watchReplaced(files: readonly string[], onReplaced: () => void, everyMs = lookEveryMs): Disposable {
  const watched = files.map((file) => {
    let text = textOf(file);
    // The mount keeps this file, so that no other has its number.
    let seen = statSync(file, { throwIfNoEntry: false })?.ino;
    const listener: StatsListener = ({ ino }) => {
      const next = textOf(file);
      if (next === text) return;
      text = next;
      if (ino === seen) return;
      seen = ino;
      onReplaced();
    };
    watchFile(file, { interval: everyMs, persistent: false }, listener);
    return { file, listener };
  });
  return {
    [Symbol.dispose]() {
      for (const { file, listener } of watched) unwatchFile(file, listener);
    },
  };
}

/** Null while there is no such file. */
function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null;
    throw error;
  }
}
