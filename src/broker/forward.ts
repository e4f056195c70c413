import { type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { Egress } from '#broker/admission.ts';
import { endToEndHeaders, type HeaderList, headerPairs } from '#broker/header-list.ts';
import { answerRefusal } from '#broker/answer.ts';
import { Refusal } from '#broker/refusal.ts';
import type { UpstreamAgent, UpstreamRequestOptions } from '#broker/upstream-agent.ts';

/** Where a guest's request goes, and as what. */
export interface ForwardTarget {
  readonly overTls: boolean;
  /** Request target in origin form, as the guest wrote it. */
  readonly path: string;
  /** Value of `Host`. */
  readonly authority: string;
  /** End-to-end fields, without `Host`, `Content-Length` and `Transfer-Encoding`. */
  readonly headers: HeaderList;
  /** Lower-case names of response fields that the guest does not get. */
  readonly droppedFromResponse: ReadonlySet<string>;
  /** A response field whose value contains one of these is dropped. */
  readonly secrets: readonly string[];
}

export interface ForwardOptions {
  readonly egress: Egress;
  readonly agent: UpstreamAgent;
  readonly target: ForwardTarget;
  /** How long an upstream may be silent. */
  readonly idleMs?: number;
}

/** Methods that may be sent again when a kept connection turns out to be dead (RFC 9110 §9.2.2). */
const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Methods whose missing body is said as a length of 0 (RFC 9110 §8.6). */
const mayHaveBody: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/**
 * Sends a guest's request upstream and streams the reply back, with back-pressure both ways and nothing
 * buffered. Redirects are the guest's to follow. Resolves when the exchange is over, whatever its end.
 */
export function forward(guest: IncomingMessage, reply: ServerResponse, options: ForwardOptions): Promise<void> {
  const { egress, agent, target, idleMs = 10 * 60_000 } = options;
  const { promise, resolve } = Promise.withResolvers<void>();
  const method = guest.method ?? 'GET';
  const framing = bodyFraming(guest);
  let out = 0;
  let inward = 0;

  const finish = (outcome: string): void => {
    egress.close(outcome, out, inward);
    resolve();
  };

  const attempt = (again: boolean): void => {
    if (reply.destroyed) {
      finish('guest went away');
      return;
    }
    const { host, port, literal } = egress.destination;
    const requestOptions: UpstreamRequestOptions = {
      agent,
      host: literal ?? host,
      port,
      method,
      path: target.path,
      headers: ['Host', target.authority, ...target.headers, ...framing],
      setHost: false,
      maxHeaderSize: 65_536,
      signal: egress.signal,
      egress,
      overTls: target.overTls,
    };
    const upstream = httpRequest(requestOptions);
    let answered = false;
    let retrying = false;
    let outcome = 'ended';
    // A kept connection has counted earlier requests already.
    let used: { socket: Socket; written: number; read: number } | undefined;
    upstream.setTimeout(idleMs, () =>
      upstream.destroy(new Refusal(504, 'idle', 'the destination did not answer in time')),
    );
    upstream.on('socket', (socket) => {
      used = { socket, written: socket.bytesWritten, read: socket.bytesRead };
    });
    if (guest.headers.expect !== undefined) upstream.once('continue', () => reply.writeContinue());
    upstream.on('response', (response) => {
      if (reply.destroyed) {
        // The guest left while the answer came: the answer fails with its request, and nobody is there to tell.
        response.on('error', () => (outcome = 'guest went away'));
        upstream.destroy();
        return;
      }
      try {
        respond(reply, response, target);
      } catch (cause) {
        // Node's parser also takes status codes that its writer refuses.
        const malformed = new Refusal(502, 'malformed answer', 'the destination sent a malformed answer', { cause });
        // The answer fails with its request; what it fails with is told below.
        response.on('error', () => upstream.emit('error', malformed));
        upstream.destroy(malformed);
        return;
      }
      answered = true;
      pipeline(response, reply, (error) => {
        if (error) outcome = 'ended early';
        if (error) upstream.destroy();
      });
    });
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      outcome = error instanceof Refusal ? error.reason : 'destination broke the connection';
      if (answered || reply.headersSent) return;
      if (upstream.reusedSocket && framing.length === 0 && idempotent.has(method) && again && !egress.signal.aborted) {
        retrying = true;
        return;
      }
      const known = error instanceof Refusal ? error : brokenUpstream(error, egress);
      answerRefusal(guest, reply, known);
    });
    upstream.on('close', () => {
      guest.unpipe(upstream);
      // What is left of the body is read and dropped, so that a kept connection comes to its next request.
      guest.resume();
      reply.off('close', abandon);
      out += used ? used.socket.bytesWritten - used.written : 0;
      inward += used ? used.socket.bytesRead - used.read : 0;
      if (retrying) {
        attempt(false);
        return;
      }
      if (!answered && !reply.headersSent) answerRefusal(guest, reply, brokenUpstream(undefined, egress));
      finish(outcome);
    });
    const abandon = (): void => {
      if (!reply.writableFinished) upstream.destroy();
    };
    reply.on('close', abandon);
    if (framing.length === 0) upstream.end();
    else guest.pipe(upstream);
  };
  attempt(true);
  return promise;
}

/** The one framing of the body that goes upstream; Node's parser has refused conflicting ones. */
function bodyFraming(guest: IncomingMessage): string[] {
  const coding = guest.headers['transfer-encoding'];
  if (coding !== undefined) {
    if (coding.toLowerCase() !== 'chunked') {
      throw new Refusal(501, 'transfer coding', 'only the chunked transfer coding is passed on');
    }
    return ['Transfer-Encoding', 'chunked'];
  }
  const length = guest.headers['content-length'] ?? (mayHaveBody.has(guest.method ?? '') ? '0' : undefined);
  return length === undefined ? [] : ['Content-Length', length];
}

/** Node's parser takes any reason phrase, its writer only this (RFC 9112 §4). */
const reasonForm = /^[\t\x20-\x7e\x80-\xff]*$/;

function respond(reply: ServerResponse, response: IncomingMessage, target: ForwardTarget): void {
  const { secrets, droppedFromResponse } = target;
  const kept = headerPairs(endToEndHeaders(response.rawHeaders, droppedFromResponse)).filter(
    ([, value]) => !secrets.some((secret) => value.includes(secret)),
  );
  reply.sendDate = false;
  const reason = response.statusMessage ?? '';
  reply.writeHead(response.statusCode ?? 502, reasonForm.test(reason) ? reason : '', kept.flat());
  reply.flushHeaders();
}

function brokenUpstream(cause: unknown, { signal }: Egress): Refusal {
  if (signal.aborted) return new Refusal(403, 'ended by policy', 'the policy no longer allows this', { cause });
  return new Refusal(502, 'destination broke the connection', 'the destination broke the connection', { cause });
}
