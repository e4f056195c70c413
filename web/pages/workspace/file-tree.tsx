import { useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, useState } from 'react';
import type { FileEntry } from '#contract/warden.ts';
import { messageOf } from '../../api/problem.ts';
import { filesQuery } from '../../api/files.ts';
import { FileRow } from './file-row.tsx';
import { childPath, entryName, sortEntries } from './tree-order.ts';

interface FileTreeProps {
  readonly workspaceId: string;
  readonly selected: string | null;
  readonly onOpen: (path: string) => void;
}

/** The files of a workspace, read folder by folder. Arrow keys as in the ARIA tree pattern. */
export function FileTree({ workspaceId, selected, onOpen }: FileTreeProps) {
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(new Set());
  const [focused, setFocused] = useState<string | null>(null);
  const toggle = (path: string, open: boolean) =>
    setExpanded((before) => {
      const after = new Set(before);
      if (open) after.add(path);
      else after.delete(path);
      return after;
    });
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const items = [...event.currentTarget.querySelectorAll<HTMLElement>('[role="treeitem"]')];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const item = items[at];
    const path = item?.dataset['path'];
    if (!item || path === undefined) return;
    const state = item.getAttribute('aria-expanded');
    let to: HTMLElement | undefined;
    if (event.key === 'ArrowDown') to = items[at + 1];
    else if (event.key === 'ArrowUp') to = items[at - 1];
    else if (event.key === 'Home') to = items[0];
    else if (event.key === 'End') to = items.at(-1);
    else if (event.key === 'ArrowRight' && state === 'false') toggle(path, true);
    else if (event.key === 'ArrowRight' && state === 'true') to = items[at + 1];
    else if (event.key === 'ArrowLeft' && state === 'true') toggle(path, false);
    else if (event.key === 'ArrowLeft') to = items.findLast((other) => path.startsWith(`${other.dataset['path']}/`));
    else if (event.key === 'Enter' || event.key === ' ') item.click();
    else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const letter = event.key.toLowerCase();
      to = [...items.slice(at + 1), ...items.slice(0, at)].find((other) => other.dataset['name']?.startsWith(letter));
    } else return;
    event.preventDefault();
    to?.focus();
  };
  // A tree without items is none to a screen reader; until there are some this is a plain note.
  const { data } = useQuery(filesQuery(workspaceId, '.'));
  const tree = visibleEntries(data?.entries ?? [], 1).length > 0;
  const top = (
    <Directory
      workspaceId={workspaceId}
      path="."
      level={1}
      expanded={expanded}
      focused={focused}
      selected={selected}
      onToggle={toggle}
      onFocus={setFocused}
      onOpen={onOpen}
    />
  );
  if (!tree) return <div className="min-w-fit">{top}</div>;
  return (
    <div role="tree" aria-label="Files of the workspace" onKeyDown={onKeyDown} className="min-w-fit">
      {top}
    </div>
  );
}

/** git's own directory is not for reading. */
function visibleEntries(entries: readonly FileEntry[], level: number): FileEntry[] {
  return entries.filter(({ name }) => level > 1 || name !== '.git');
}

interface DirectoryProps extends FileTreeProps {
  readonly path: string;
  readonly level: number;
  readonly expanded: ReadonlySet<string>;
  readonly focused: string | null;
  readonly onToggle: (path: string, open: boolean) => void;
  readonly onFocus: (path: string) => void;
}

/** More rows than this are not drawn until asked for. */
const pageSize = 300;

function Directory(props: DirectoryProps) {
  const { workspaceId, path, level, expanded, focused, selected, onToggle, onFocus, onOpen } = props;
  const { data, error, isPending } = useQuery(filesQuery(workspaceId, path));
  const [shown, setShown] = useState(pageSize);
  const indent = { paddingLeft: 12 + level * 12 };
  if (isPending) return <Note indent={indent}>Reading…</Note>;
  if (error) return <Note indent={indent}>{messageOf(error)}</Note>;
  const entries = sortEntries(visibleEntries(data.entries, level));
  if (entries.length === 0)
    return <Note indent={indent}>{level === 1 ? 'Nothing here yet. A terminal can make files.' : 'Empty'}</Note>;
  return (
    <div role={level === 1 ? 'presentation' : 'group'}>
      {entries.slice(0, shown).map((entry, index) => {
        const child = childPath(path, entry);
        const open = entry.type === 'directory' && expanded.has(child);
        const first = level === 1 && index === 0 && focused === null;
        return (
          <div key={child} role="presentation">
            <FileRow
              entry={entry}
              name={entryName(entry)}
              path={child}
              level={level}
              open={open}
              selected={selected === child}
              reachable={first || focused === child}
              onFocus={() => onFocus(child)}
              onPress={() => (entry.type === 'directory' ? onToggle(child, !open) : onOpen(child))}
            />
            {open && <Directory {...props} path={child} level={level + 1} />}
          </div>
        );
      })}
      {entries.length > shown && (
        <button
          type="button"
          style={indent}
          onClick={() => setShown(shown + pageSize)}
          className="h-7 text-left text-xs text-accent hover:underline"
        >
          {entries.length - shown} more
        </button>
      )}
      {data.truncated && (
        <Note indent={indent}>The folder holds more than can be listed. See the rest in a terminal.</Note>
      )}
    </div>
  );
}

function Note({ indent, children }: { readonly indent: { paddingLeft: number }; readonly children: string }) {
  return (
    <p style={indent} className="py-1 pr-3 text-xs text-muted">
      {children}
    </p>
  );
}
