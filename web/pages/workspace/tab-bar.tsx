import { FileText, Plus, SquareTerminal, X } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, type Ref, useState } from 'react';
import type { Terminal, Workspace } from '#contract/api.ts';
import { IconButton } from '../../ui/button.tsx';
import { classNames } from '../../ui/class-names.ts';
import { Menu, MenuItem, MenuLabel } from '../../ui/menu.tsx';
import { StatusDot } from '../../ui/status.tsx';
import { EndDialog } from './end-dialog.tsx';
import type { ActiveTab } from './layout.ts';
import { programs } from './programs.ts';
import type { Tabs } from './tabs.ts';
import { useStart } from './use-start.ts';

/** The id of a tab's element. */
export const tabId = (tab: ActiveTab): string =>
  tab.kind === 'terminal' ? `tab-${tab.id}` : tab.kind === 'file' ? `tab-${encodeURIComponent(tab.path)}` : 'tab-start';

interface TabBarProps {
  readonly workspace: Workspace;
  readonly tabs: Tabs;
  readonly mayDrive: boolean;
  readonly ref: Ref<HTMLDivElement>;
}

/** Terminals and files that are open. */
export function TabBar({ workspace, tabs, mayDrive, ref }: TabBarProps) {
  const [ending, setEnding] = useState<Terminal | null>(null);
  const { start, starting } = useStart(workspace, tabs);
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    const all = [...event.currentTarget.querySelectorAll<HTMLElement>('[role="tab"]')];
    const at = all.indexOf(document.activeElement as HTMLElement);
    if (at === -1) return;
    const next = all[(at + (event.key === 'ArrowRight' ? 1 : all.length - 1)) % all.length];
    event.preventDefault();
    next?.focus();
  };
  const close = (terminal: Terminal) => {
    if (terminal.state === 'ended') tabs.hide(terminal.id);
    else setEnding(terminal);
  };
  return (
    <div className="flex h-9 shrink-0 items-center border-b bg-canvas pr-1 pointer-coarse:h-11">
      <div
        ref={ref}
        role="tablist"
        aria-label="Open terminals and files"
        onKeyDown={onKeyDown}
        className="flex h-full min-w-0 overflow-x-auto [scrollbar-width:none]"
      >
        {tabs.terminals.map((terminal) => (
          <Tab
            key={terminal.id}
            tab={{ kind: 'terminal', id: terminal.id }}
            tabs={tabs}
            name={nameAmong(terminal, tabs.terminals)}
            icon={<SquareTerminal size={14} aria-hidden />}
            mark={
              terminal.state === 'ended' ? (
                <StatusDot tone={terminal.exitCode === 0 ? 'idle' : 'bad'} />
              ) : (
                <StatusDot tone="good" live={terminal.state === 'starting'} />
              )
            }
            state={terminal.state === 'ended' ? 'ended' : 'runs'}
            closeLabel={terminal.state === 'ended' ? `Close ${terminal.title}` : `End ${terminal.title}`}
            onClose={mayDrive || terminal.state === 'ended' ? () => close(terminal) : null}
          />
        ))}
        {tabs.files.map((path) => (
          <Tab
            key={path}
            tab={{ kind: 'file', path }}
            tabs={tabs}
            name={path.slice(path.lastIndexOf('/') + 1)}
            icon={<FileText size={14} aria-hidden />}
            title={path}
            closeLabel={`Close ${path}`}
            onClose={() => tabs.closeFile(path)}
          />
        ))}
      </div>
      {mayDrive && (
        <Menu
          align="start"
          trigger={
            <IconButton label="New terminal" className="mx-1" disabled={starting !== null}>
              <Plus size={16} className={starting ? 'animate-breathe' : ''} />
            </IconButton>
          }
        >
          <MenuLabel>Start in a new terminal</MenuLabel>
          {programs.map(({ program, name, Icon }) => (
            <MenuItem key={program} icon={<Icon size={15} />} onSelect={() => start({ program })}>
              {name}
            </MenuItem>
          ))}
          <MenuItem icon={<Plus size={15} />} onSelect={() => tabs.activate({ kind: 'start', chosen: true })}>
            A command…
          </MenuItem>
        </Menu>
      )}
      <span className="flex-1" />
      {ending && <EndDialog terminal={ending} tabs={tabs} onClose={() => setEnding(null)} />}
    </div>
  );
}

/** The title, with a number where another terminal before it has the same. */
function nameAmong(terminal: Terminal, all: readonly Terminal[]): string {
  const same = all.filter(({ title }) => title === terminal.title);
  const at = same.indexOf(terminal);
  return at > 0 ? `${terminal.title} ${at + 1}` : terminal.title;
}

interface TabProps {
  readonly tab: ActiveTab;
  readonly tabs: Tabs;
  readonly name: string;
  readonly icon: ReactNode;
  readonly mark?: ReactNode;
  readonly state?: string;
  readonly title?: string;
  readonly closeLabel: string;
  readonly onClose: (() => void) | null;
}

function Tab({ tab, tabs, name, icon, mark, state, title, closeLabel, onClose }: TabProps) {
  const selected = tabId(tab) === tabId(tabs.active);
  return (
    <div
      role="presentation"
      className={classNames(
        'group relative flex h-full max-w-56 shrink-0 items-center border-r pr-1',
        selected ? 'bg-surface text-text' : 'text-muted hover:bg-hover hover:text-text',
      )}
    >
      <button
        type="button"
        role="tab"
        id={tabId(tab)}
        aria-selected={selected}
        tabIndex={selected ? 0 : -1}
        title={title}
        onClick={() => tabs.activate(tab)}
        onKeyDown={(event) => {
          if (event.key === 'Delete') onClose?.();
        }}
        onAuxClick={(event) => {
          if (event.button === 1) onClose?.();
        }}
        className="flex h-full min-w-0 items-center gap-2 pr-1 pl-3 text-sm outline-none focus-visible:outline-2 focus-visible:-outline-offset-2 focus-visible:outline-accent"
      >
        {mark ?? icon}
        <span className="truncate">{name}</span>
        {state && <span className="sr-only">, {state}</span>}
      </button>
      {onClose && (
        <button
          type="button"
          tabIndex={-1}
          aria-hidden
          title={closeLabel}
          onClick={onClose}
          className={classNames(
            'grid size-5 shrink-0 place-items-center rounded-sm text-muted hover:bg-line hover:text-text pointer-coarse:size-8',
            !selected && 'opacity-0 group-hover:opacity-100 pointer-coarse:opacity-100',
          )}
        >
          <X size={13} />
        </button>
      )}
      {selected && <span aria-hidden className="absolute inset-x-0 top-0 h-0.5 bg-accent-fill" />}
    </div>
  );
}
