import { sessionSchema, setupRequestSchema } from '#contract/api.ts';
import { CasemateError } from '#contract/errors.ts';
import { defineRoute } from '#http/define-route.ts';
import { publicRoute } from '#http/public-route.ts';
import { json } from '#http/replies.ts';
import { describeSession } from '#http/routes/session.ts';

/** Anything that says that somebody else stands before the peer. */
const forwardingHeaders = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-server',
  'x-real-ip',
  'x-client-ip',
  'x-original-forwarded-for',
  'cf-connecting-ip',
  'true-client-ip',
];
const loopbackPattern = /^(?:127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3})$/;

export const setupRoutes = [
  defineRoute({
    method: 'POST',
    path: '/api/v1/setup',
    summary: 'Make the owner, once, with the token of the set-up link; from this machine only',
    access: publicRoute('nobody has an account yet; the one-time token and a direct loopback peer are the proof'),
    perMinute: 30,
    body: setupRequestSchema,
    reply: json(sessionSchema, 201),
    handler: async ({ body, headers, peerAddress, address, requestId, reply, ...context }) => {
      if (forwardingHeaders.some((name) => headers[name] !== undefined)) {
        throw new CasemateError(
          'setup_refused',
          'Set-up does not work through a proxy; use the machine itself or ssh -L',
        );
      }
      if (!loopbackPattern.test(peerAddress)) {
        throw new CasemateError(
          'setup_refused',
          'Set-up works from the machine itself only; use ssh -L from elsewhere',
        );
      }
      const { token, ...owner } = body;
      const origin = { address, requestId, agent: headers['user-agent']?.slice(0, 300) ?? null };
      const session = await context.services.setup.complete(token, owner, origin);
      reply.sessionCookie(session.token);
      return describeSession(session.actor, context);
    },
  }),
];
