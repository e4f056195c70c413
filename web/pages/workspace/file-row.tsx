import { ChevronRight, File, FileSymlink, Folder, FolderOpen } from 'lucide-react';
import type { FileEntry } from '#contract/warden.ts';
import { classNames } from '../../ui/class-names.ts';
import { byteSize } from '../../ui/time.ts';

interface FileRowProps {
  readonly entry: FileEntry;
  readonly name: string;
  readonly path: string;
  readonly level: number;
  readonly open: boolean;
  readonly selected: boolean;
  /** Whether Tab comes here. */
  readonly reachable: boolean;
  readonly onFocus: () => void;
  readonly onPress: () => void;
}

/** One line of the tree. */
export function FileRow({ entry, name, path, level, open, selected, reachable, onFocus, onPress }: FileRowProps) {
  const directory = entry.type === 'directory';
  const readable = entry.encoding === 'utf8' && entry.type !== 'other';
  const Icon = directory ? (open ? FolderOpen : Folder) : entry.type === 'symlink' ? FileSymlink : File;
  const title = !readable
    ? 'It can only be opened in a terminal'
    : entry.type === 'symlink'
      ? `Points to ${entry.target ?? 'somewhere'}`
      : directory
        ? undefined
        : byteSize(entry.size);
  return (
    <div
      role="treeitem"
      aria-level={level}
      aria-label={name}
      aria-expanded={directory ? open : undefined}
      aria-selected={selected}
      aria-disabled={!readable || undefined}
      tabIndex={reachable ? 0 : -1}
      data-path={path}
      data-name={name.toLowerCase()}
      title={title}
      onFocus={onFocus}
      onClick={() => readable && onPress()}
      style={{ paddingLeft: level * 12 - 4 }}
      className={classNames(
        'flex h-7 cursor-pointer items-center gap-1.5 pr-3 text-sm whitespace-nowrap select-none focus-visible:-outline-offset-2 pointer-coarse:h-11',
        selected ? 'bg-selected' : 'hover:bg-hover',
        !readable && 'text-faint',
      )}
    >
      <ChevronRight
        size={13}
        aria-hidden
        className={classNames(
          'shrink-0 text-faint transition-transform duration-100',
          open && 'rotate-90',
          !directory && 'invisible',
        )}
      />
      <Icon size={14} aria-hidden className={classNames('shrink-0', directory ? 'text-accent' : 'text-muted')} />
      <span>{name}</span>
    </div>
  );
}
