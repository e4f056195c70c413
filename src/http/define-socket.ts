import type { WebSocket } from '@fastify/websocket';
import type { z } from 'zod';
import type { RequestContext } from '#http/define-route.ts';
import { assertRouteAccess, type RouteAccess } from '#http/route-access.ts';

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

export interface SocketContext<A extends RouteAccess, Params, Query> extends RequestContext<A> {
  readonly params: Parsed<Params>;
  readonly query: Parsed<Query>;
  /** Open, and closed with 4401 by the server when the session or key ends. */
  readonly socket: WebSocket;
  /** Says that a person is at work, so that the session does not run idle. Cheap; call it per frame. */
  touch(): void;
}

export interface SocketDefinition<
  A extends RouteAccess,
  Params extends z.ZodType | undefined,
  Query extends z.ZodType | undefined,
> {
  readonly path: `/${string}`;
  readonly summary: string;
  readonly access: A;
  readonly params?: Params;
  readonly query?: Query;
  /** The browser must offer it. */
  readonly subprotocol: string;
  /** Bytes of one message from the browser; more closes with 1009. */
  readonly maximumMessageBytes: number;
  /** Ends when the socket is done; a CasemateError closes it with 4000 + its HTTP status. */
  readonly handler: (context: SocketContext<A, Params, Query>) => Promise<void>;
}

export interface Socket {
  readonly kind: 'socket';
  readonly path: string;
  readonly summary: string;
  readonly access: RouteAccess;
  readonly params: z.ZodType | undefined;
  readonly query: z.ZodType | undefined;
  readonly subprotocol: string;
  readonly maximumMessageBytes: number;
  readonly handler: (context: SocketContext<RouteAccess, z.ZodType, z.ZodType>) => Promise<void>;
}

/** Describes one WebSocket as a value; authentication, Origin check and permission are those of a route. */
export function defineSocket<
  A extends RouteAccess,
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
>(definition: SocketDefinition<A, Params, Query>): Socket {
  assertRouteAccess(definition.access, `socket ${definition.path}`);
  return Object.freeze({
    kind: 'socket',
    path: definition.path,
    summary: definition.summary,
    access: definition.access,
    params: definition.params,
    query: definition.query,
    subprotocol: definition.subprotocol,
    maximumMessageBytes: definition.maximumMessageBytes,
    handler: definition.handler as unknown as Socket['handler'],
  });
}
