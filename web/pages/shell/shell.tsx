import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useMatch, useNavigate } from '@tanstack/react-router';
import { Activity, Boxes, Command, Settings } from 'lucide-react';
import { lazy, Suspense, useEffect, useState } from 'react';
import { sessionQuery, useCan } from '../../api/session.ts';
import { BrandMark } from '../../ui/brand.tsx';
import { classNames } from '../../ui/class-names.ts';
import { isApple } from '../../ui/keys.tsx';
import { useShellShortcuts } from './shortcuts.ts';

const Palette = lazy(() => import('./palette.tsx').then(({ Palette: component }) => ({ default: component })));
const ShortcutList = lazy(() =>
  import('./shortcut-list.tsx').then(({ ShortcutList: component }) => ({ default: component })),
);

const itemClass =
  'flex flex-col items-center justify-center gap-1 rounded-lg text-2xs font-medium text-muted transition-colors duration-100 hover:bg-hover hover:text-text max-sm:h-14 max-sm:flex-1 sm:h-13 sm:w-18';
const activeClass = { className: 'bg-selected !text-accent' };

/** What stands around every page: the rail (a dock on a phone), the palette, the way out when the session ends. */
export function Shell() {
  const [open, setOpen] = useState<'palette' | 'shortcuts' | null>(null);
  const { data: session } = useQuery(sessionQuery);
  const can = useCan();
  const navigate = useNavigate();
  // On a phone a workspace brings a dock of its own.
  const inWorkspace = useMatch({ from: '/signed-in/workspaces/$workspaceId', shouldThrow: false }) !== undefined;
  useShellShortcuts({ palette: () => setOpen('palette'), shortcuts: () => setOpen('shortcuts'), navigate });

  useEffect(() => {
    if (session && session.user === null) void navigate({ to: '/sign-in', search: { next: location.pathname } });
  }, [session, navigate]);

  return (
    <div className="flex h-full flex-col-reverse sm:flex-row">
      <a
        href="#main"
        className="absolute top-2 left-2 z-50 -translate-y-20 rounded-md bg-accent-fill px-3 py-2 text-sm text-on-accent focus:translate-y-0"
      >
        Skip to the page
      </a>
      <nav
        aria-label="Main"
        className={classNames(
          inWorkspace && 'max-sm:hidden',
          'z-10 flex shrink-0 gap-1 border-t bg-surface px-1 safe-bottom sm:w-20 sm:flex-col sm:items-center sm:border-t-0 sm:border-r sm:bg-canvas sm:px-1 sm:py-3',
        )}
      >
        <Link to="/workspaces" aria-label="Casemate" className="mb-3 rounded-lg p-1 max-sm:hidden">
          <BrandMark size={28} />
        </Link>
        <Link to="/workspaces" search={{}} className={itemClass} activeProps={activeClass}>
          <Boxes size={18} aria-hidden />
          Workspaces
        </Link>
        {can('audit:read') && (
          <Link to="/activity" className={itemClass} activeProps={activeClass}>
            <Activity size={18} aria-hidden />
            Activity
          </Link>
        )}
        <Link to="/settings" className={itemClass} activeProps={activeClass}>
          <Settings size={18} aria-hidden />
          Settings
        </Link>
        <button
          type="button"
          onClick={() => setOpen('palette')}
          title={`Go anywhere (${isApple ? '⌘' : 'Ctrl+'}K)`}
          className={classNames(itemClass, 'sm:mt-auto')}
        >
          <Command size={18} aria-hidden />
          Go to
        </button>
      </nav>
      <main id="main" tabIndex={-1} className="relative flex min-h-0 min-w-0 flex-1 flex-col outline-none safe-top">
        <Outlet />
      </main>
      <Suspense>
        {open === 'palette' && <Palette onClose={() => setOpen(null)} onShortcuts={() => setOpen('shortcuts')} />}
        {open === 'shortcuts' && <ShortcutList onClose={() => setOpen(null)} />}
      </Suspense>
    </div>
  );
}
