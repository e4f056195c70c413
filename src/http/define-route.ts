import type { z } from 'zod';
import type { Actor, OperatorActor, SignedInActor } from '#access/actor.ts';
import type { Access } from '#access/authorise.ts';
import type { Grant } from '#access/grant.ts';
import type { PublicAccess } from '#http/public-route.ts';
import type { HandlerResult, RouteReply } from '#http/replies.ts';
import { assertRouteAccess, type PermissionAccess, type RouteAccess, type SignedInAccess } from '#http/route-access.ts';
import type { Log } from '#http/log.ts';
import type { Services } from '#http/services.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;
type GrantOf<A extends RouteAccess> = A extends PermissionAccess<infer P> ? Grant<P> : undefined;
type ActorOf<A extends RouteAccess> = A extends PermissionAccess
  ? SignedInActor | OperatorActor
  : A extends SignedInAccess
    ? SignedInActor
    : A extends PublicAccess
      ? Actor
      : never;

export interface RequestContext<A extends RouteAccess> {
  /** The proof for the permission that the route requires. */
  readonly grant: GrantOf<A>;
  readonly actor: ActorOf<A>;
  readonly requestId: string;
  readonly address: string;
  /** Aborts when the other side goes away or the server stops. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly services: Services;
  /** For a further permission, where the route's own is not enough. */
  readonly access: Access;
}

export interface RouteContext<A extends RouteAccess, Params, Query, Body> extends RequestContext<A> {
  readonly params: Parsed<Params>;
  readonly query: Parsed<Query>;
  readonly body: Parsed<Body>;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Of the socket itself: no header can change it. */
  readonly peerAddress: string;
  readonly reply: {
    header(name: string, value: string): void;
    /** Sets the session's cookie, or clears it. */
    sessionCookie(token: string | null): void;
  };
}

export interface RouteDefinition<
  A extends RouteAccess,
  Params extends z.ZodType | undefined,
  Query extends z.ZodType | undefined,
  Body extends z.ZodType | undefined,
  Reply extends RouteReply,
> {
  readonly method: Method;
  /** Fastify's form, `/api/v1/workspaces/:workspaceId`. */
  readonly path: `/${string}`;
  /** One line for the reference. */
  readonly summary: string;
  readonly access: A;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  readonly reply: Reply;
  /** Creates: a repeated `Idempotency-Key` gets the first answer again. */
  readonly idempotent?: boolean;
  /** Requests a minute and caller, where the server's own limit is too wide. */
  readonly perMinute?: number;
  readonly handler: (
    context: RouteContext<A, Params, Query, Body>,
  ) => Promise<HandlerResult<Reply>> | HandlerResult<Reply>;
}

/** A route with its types forgotten: what the table holds. */
export interface Route {
  readonly kind: 'route';
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  readonly access: RouteAccess;
  readonly params: z.ZodType | undefined;
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
  readonly reply: RouteReply;
  readonly idempotent: boolean;
  readonly perMinute: number | undefined;
  readonly handler: (context: RouteContext<RouteAccess, z.ZodType, z.ZodType, z.ZodType>) => unknown;
}

/**
 * Describes one route as a value. It states its access or does not compile, and does not start
 * either. Handlers get everything from their context, so the table needs no services to be read.
 */
export function defineRoute<
  A extends RouteAccess,
  Reply extends RouteReply,
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(definition: RouteDefinition<A, Params, Query, Body, Reply>): Route {
  assertRouteAccess(definition.access, `${definition.method} ${definition.path}`);
  return Object.freeze({
    kind: 'route',
    method: definition.method,
    path: definition.path,
    summary: definition.summary,
    access: definition.access,
    params: definition.params,
    query: definition.query,
    body: definition.body,
    reply: definition.reply,
    idempotent: definition.idempotent ?? false,
    perMinute: definition.perMinute,
    // The types meet again in http/register-route.ts, which parses by the schemas above before it calls.
    handler: definition.handler as unknown as Route['handler'],
  });
}
