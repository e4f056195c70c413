import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Activity, Box, Boxes, Contrast, Keyboard, Moon, Plus, Search, Settings, Sun, SunMoon } from 'lucide-react';
import { Dialog as Primitive } from 'radix-ui';
import { type KeyboardEvent, type ReactNode, useId, useState } from 'react';
import { useCan } from '../../api/session.ts';
import { workspacesQuery } from '../../api/workspaces.ts';
import { classNames } from '../../ui/class-names.ts';
import { chooseContrast, chooseTheme, contrastChoice } from '../../ui/theme.ts';
import { rank } from './rank.ts';

interface Act {
  readonly id: string;
  readonly name: string;
  readonly group: string;
  readonly icon: ReactNode;
  readonly run: () => void;
}

function useActs(onShortcuts: () => void): readonly Act[] {
  const navigate = useNavigate();
  const can = useCan();
  const { data: workspaces = [] } = useQuery(workspacesQuery);
  const act = (id: string, group: string, name: string, icon: ReactNode, run: () => void): Act => ({
    id,
    group,
    name,
    icon,
    run,
  });
  return [
    ...workspaces.map((workspace) =>
      act(
        workspace.id,
        'Workspaces',
        workspace.name,
        <Box size={16} />,
        () => void navigate({ to: '/workspaces/$workspaceId', params: { workspaceId: workspace.id } }),
      ),
    ),
    ...(can('workspace:write')
      ? [
          act(
            'new',
            'Do',
            'New workspace…',
            <Plus size={16} />,
            () => void navigate({ to: '/workspaces', search: { create: true } }),
          ),
        ]
      : []),
    act('workspaces', 'Go to', 'Workspaces', <Boxes size={16} />, () => void navigate({ to: '/workspaces' })),
    ...(can('audit:read')
      ? [act('activity', 'Go to', 'Activity', <Activity size={16} />, () => void navigate({ to: '/activity' }))]
      : []),
    act('settings', 'Go to', 'Settings', <Settings size={16} />, () => void navigate({ to: '/settings' })),
    act('light', 'Appearance', 'Light theme', <Sun size={16} />, () => chooseTheme('light')),
    act('dark', 'Appearance', 'Dark theme', <Moon size={16} />, () => chooseTheme('dark')),
    act('system', 'Appearance', 'Theme of the system', <SunMoon size={16} />, () => chooseTheme('system')),
    act('contrast', 'Appearance', 'High contrast on or off', <Contrast size={16} />, () =>
      chooseContrast(contrastChoice() === 'more' ? 'system' : 'more'),
    ),
    act('shortcuts', 'Do', 'Keyboard shortcuts', <Keyboard size={16} />, onShortcuts),
  ];
}

interface PaletteProps {
  readonly onClose: () => void;
  readonly onShortcuts: () => void;
}

/** Reaches everything by a few letters. */
export function Palette({ onClose, onShortcuts }: PaletteProps) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const listId = useId();
  const found = rank(useActs(onShortcuts), text, ({ name, group }) => `${name} ${group}`);
  const chosen = Math.min(at, found.length - 1);
  const run = (act: Act | undefined) => {
    if (!act) return;
    onClose();
    act.run();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setAt(Math.min(chosen + 1, found.length - 1));
    else if (event.key === 'ArrowUp') setAt(Math.max(chosen - 1, 0));
    else if (event.key === 'Enter') run(found[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <Primitive.Root open onOpenChange={(open) => !open && onClose()}>
      <Primitive.Portal>
        <div className="fixed inset-0 z-40 bg-scrim animate-appear" aria-hidden />
        <Primitive.Content
          aria-describedby={undefined}
          className="fixed top-[10vh] left-1/2 z-50 flex max-h-[70dvh] w-[min(560px,calc(100vw-24px))] -translate-x-1/2 flex-col overflow-hidden rounded-xl bg-raised shadow-high outline-none animate-appear"
        >
          <Primitive.Title className="sr-only">Go anywhere</Primitive.Title>
          <div className="flex h-12 shrink-0 items-center gap-3 border-b px-4">
            <Search size={16} className="text-faint" aria-hidden />
            <input
              role="combobox"
              aria-label="Workspace, page or act"
              aria-expanded
              aria-controls={listId}
              aria-activedescendant={found[chosen] ? `${listId}-${found[chosen].id}` : undefined}
              placeholder="Workspace, page or act"
              value={text}
              onChange={(event) => {
                setText(event.target.value);
                setAt(0);
              }}
              onKeyDown={onKeyDown}
              className="h-full flex-1 bg-transparent text-md outline-none max-sm:text-lg"
            />
          </div>
          <ul id={listId} role="listbox" aria-label="Found" className="min-h-0 overflow-y-auto p-1.5">
            {found.map((act, index) => (
              <li
                key={act.id}
                id={`${listId}-${act.id}`}
                role="option"
                aria-selected={index === chosen}
                ref={(element) => {
                  if (index === chosen) element?.scrollIntoView({ block: 'nearest' });
                }}
                onPointerMove={() => setAt(index)}
                onClick={() => run(act)}
                className={classNames(
                  'flex h-9 items-center gap-3 rounded-md px-2.5 text-sm pointer-coarse:h-11',
                  index === chosen && 'bg-selected',
                )}
              >
                <span className="text-muted">{act.icon}</span>
                <span className="min-w-0 flex-1 truncate">{act.name}</span>
                <span className="text-xs text-muted">{act.group}</span>
              </li>
            ))}
          </ul>
          {found.length === 0 && <p className="px-4 pb-6 text-center text-sm text-muted">Nothing by that name.</p>}
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
