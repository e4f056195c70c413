import type { FastifyReply } from 'fastify';

export interface SessionCookie {
  /** `__Host-` binds it to this host and to TLS (RFC 6265bis, 4.1.3.2); browsers take it on http://localhost too. */
  readonly name: string;
  set(reply: FastifyReply, token: string): void;
  clear(reply: FastifyReply): void;
}

export function createSessionCookie({ secure }: { readonly secure: boolean }): SessionCookie {
  const name = secure ? '__Host-casemate' : 'casemate';
  const attributes = { path: '/', httpOnly: true, secure, sameSite: 'lax' } as const;
  return {
    name,
    set: (reply, token) => void reply.setCookie(name, token, attributes),
    clear: (reply) => void reply.clearCookie(name, attributes),
  };
}
