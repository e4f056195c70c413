import type { FileEntry } from '#contract/warden.ts';

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Folders first, then by name; numbers by their value. */
export function sortEntries(entries: readonly FileEntry[]): readonly FileEntry[] {
  const group = ({ type }: FileEntry) => (type === 'directory' ? 0 : 1);
  return entries.toSorted((a, b) => group(a) - group(b) || collator.compare(a.name, b.name));
}

/** A name to show; bytes that are not UTF-8 become replacement characters. */
export function entryName(entry: Pick<FileEntry, 'name' | 'encoding'>): string {
  if (entry.encoding === 'utf8') return entry.name;
  return new TextDecoder().decode(Uint8Array.from(atob(entry.name), (unit) => unit.charCodeAt(0)));
}

/** The path of an entry in `directory`, relative to the workspace; `.` is the top. */
export function childPath(directory: string, { name }: Pick<FileEntry, 'name'>): string {
  return directory === '.' ? name : `${directory}/${name}`;
}
