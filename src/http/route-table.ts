import type { Route } from '#http/define-route.ts';
import type { Socket } from '#http/define-socket.ts';

/** Every route and socket of the app. A file of routes that is not listed here does not exist. */
export const routeTable: readonly (Route | Socket)[] = [];
