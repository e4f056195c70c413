import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { sessionQuery } from './api/session.ts';
import { Shell } from './pages/shell/shell.tsx';
import { LoadFailed, NotFound, PageLoading } from './pages/shell/states.tsx';
import { queryClient } from './query-client.ts';

const root = createRootRoute({ notFoundComponent: NotFound });

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(() => import('./pages/setup/page.tsx'), 'SetupPage'),
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: (search: Record<string, unknown>): { next?: string } =>
    // A path of this app only: `//host` and `https://host` would lead elsewhere.
    typeof search['next'] === 'string' && /^\/[a-z]/.test(search['next']) ? { next: search['next'] } : {},
  component: lazyRouteComponent(() => import('./pages/sign-in/page.tsx'), 'SignInPage'),
});

const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  beforeLoad: async ({ location }) => {
    const session = await queryClient.ensureQueryData(sessionQuery);
    if (session.setupNeeded) throw redirect({ to: '/setup' });
    if (session.user === null) {
      const next = location.href;
      throw redirect({ to: '/sign-in', search: next === '/' || next === '/workspaces' ? {} : { next } });
    }
  },
  component: Shell,
});

const home = createRoute({
  getParentRoute: () => signedIn,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/workspaces' });
  },
});

const workspaces = createRoute({
  getParentRoute: () => signedIn,
  path: '/workspaces',
  validateSearch: (search: Record<string, unknown>): { create?: true } => (search['create'] ? { create: true } : {}),
  component: lazyRouteComponent(() => import('./pages/workspaces/page.tsx'), 'WorkspacesPage'),
});

const workspace = createRoute({
  getParentRoute: () => signedIn,
  path: '/workspaces/$workspaceId',
  component: lazyRouteComponent(() => import('./pages/workspace/page.tsx'), 'WorkspacePage'),
});

const activity = createRoute({
  getParentRoute: () => signedIn,
  path: '/activity',
  component: lazyRouteComponent(() => import('./pages/activity/page.tsx'), 'ActivityPage'),
});

const settings = createRoute({
  getParentRoute: () => signedIn,
  path: '/settings',
  component: lazyRouteComponent(() => import('./pages/settings/page.tsx'), 'SettingsPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([setup, signIn, signedIn.addChildren([home, workspaces, workspace, activity, settings])]),
  defaultPreload: 'intent',
  defaultPendingMs: 300,
  defaultPendingComponent: PageLoading,
  defaultErrorComponent: LoadFailed,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
