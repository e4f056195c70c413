import type { Route } from '#http/define-route.ts';
import type { Socket } from '#http/define-socket.ts';
import { auditRoutes } from '#http/routes/audit.ts';
import { healthRoutes } from '#http/routes/health.ts';
import { keyRoutes } from '#http/routes/keys.ts';
import { openapiRoutes } from '#http/routes/openapi.ts';
import { policyRoutes } from '#http/routes/policy.ts';
import { secretRoutes } from '#http/routes/secrets.ts';
import { sessionRoutes } from '#http/routes/session.ts';
import { setupRoutes } from '#http/routes/setup.ts';
import { systemRoutes } from '#http/routes/system.ts';
import { terminalRoutes } from '#http/routes/terminals.ts';
import { workspaceRoutes } from '#http/routes/workspaces.ts';

/** Every route and socket of the app. A file of routes that is not listed here does not exist. */
export const routeTable: readonly (Route | Socket)[] = [
  ...healthRoutes,
  ...setupRoutes,
  ...sessionRoutes,
  ...auditRoutes,
  ...keyRoutes,
  ...systemRoutes,
  ...workspaceRoutes,
  ...terminalRoutes,
  ...policyRoutes,
  ...secretRoutes,
  ...openapiRoutes,
];
