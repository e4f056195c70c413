import { createSecureServer, type SecureServerOptions } from 'node:http2';
import type { FastifyServerFactory } from 'fastify';
import { type Patience, patience } from '#http/patience.ts';
import { boundSession } from '#http/tls/bound-session.ts';
import type { TlsContexts } from '#http/tls/contexts.ts';

export type ServerFactory = FastifyServerFactory;

/**
 * Makes the server that ends TLS: HTTP/2 and, for WebSockets and older clients, HTTP/1.1 by ALPN. The
 * numbers bound what one connection may make us do; those of streams reset bound "rapid reset"
 * (CVE-2023-44487). A session that oversteps them is ended, and what is under way on it.
 */
export function tlsServerFactory(contexts: TlsContexts, times: Patience = patience): ServerFactory {
  return (handler) => {
    const options: SecureServerOptions & Record<string, unknown> = {
      ...contexts.standard,
      allowHTTP1: true,
      SNICallback: (name, done) => done(null, contexts.choose(name)),
      handshakeTimeout: times.headersMs,
      settings: { maxConcurrentStreams: 100, maxHeaderListSize: 16_384, enablePush: false },
      maxHeaderListPairs: 100,
      maxOutstandingPings: 5,
      maxSettings: 16,
      maxSessionMemory: 4,
      maxSessionInvalidFrames: 50,
      maxSessionRejectedStreams: 50,
      streamResetBurst: 200,
      streamResetRate: 20,
      // As for HTTP/1.1 in the clear.
      headersTimeout: times.headersMs,
      requestTimeout: times.requestMs,
      keepAliveTimeout: times.keepAliveMs,
      connectionsCheckingInterval: times.checkingMs,
    };
    const server = createSecureServer(options, handler as never);
    server.setTimeout(times.connectionMs);
    server.on('session', (session) => boundSession(session, times));
    contexts.onReplaced((standard) => server.setSecureContext(standard));
    // Fastify's types know one server at a time; what it calls is there on both.
    return server as unknown as ReturnType<FastifyServerFactory>;
  };
}
