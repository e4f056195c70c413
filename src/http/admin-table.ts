import type { Route } from '#http/define-route.ts';
import { routeTable } from '#http/route-table.ts';
import { adminRoutes } from '#http/routes/admin.ts';

/** What the operator may do: the app's own routes that need a permission, and those of the operator alone. */
export const adminTable: readonly Route[] = [
  ...adminRoutes,
  ...routeTable.filter((entry): entry is Route => entry.kind === 'route' && entry.access.kind === 'permission'),
];
