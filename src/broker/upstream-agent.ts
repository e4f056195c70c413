import { Agent, type ClientRequestArgs, type RequestOptions } from 'node:http';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import type { Socket } from 'node:net';
import type { Egress } from '#broker/admission.ts';
import { Refusal } from '#broker/refusal.ts';

/** Options of a request through {@link UpstreamAgent}: the egress that allowed it dials when none is kept. */
export interface UpstreamRequestOptions extends RequestOptions {
  readonly egress: Egress;
  readonly overTls: boolean;
}

/** Shorter than the idle time of common servers (5 s), so that a kept connection is seldom dead when used. */
const keptMs = 4000;

/** Keeps connections of one door, so that no two sandboxes ever share one. Dials only checked addresses. */
export class UpstreamAgent extends Agent {
  readonly #context: SecureContext;

  constructor(context: SecureContext) {
    super({ keepAlive: true, maxFreeSockets: 16, timeout: keptMs, scheduling: 'lifo' });
    this.#context = context;
  }

  override getName(options?: RequestOptions): string {
    return `${super.getName(options)}:${isUpstream(options) && options.overTls ? 'tls' : 'plain'}`;
  }

  override createConnection(
    options: ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    if (!callback || !isUpstream(options)) throw new TypeError('the agent needs a callback and an egress');
    const settle = callback as (error: Error | null, stream?: Duplex) => void;
    this.#open(options).then(
      (socket) => settle(null, socket),
      (error: unknown) => settle(error instanceof Error ? error : new Error('dial failed', { cause: error })),
    );
    return undefined;
  }

  async #open({ egress, overTls }: UpstreamRequestOptions): Promise<Duplex> {
    const socket = await egress.connect();
    return overTls ? startTls(socket, egress, this.#context) : socket;
  }

  /** Closes the connections that no request uses. */
  closeIdle(): void {
    for (const sockets of Object.values(this.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }
}

function isUpstream(options: object | undefined): options is UpstreamRequestOptions {
  return options !== undefined && 'egress' in options && 'overTls' in options;
}

function startTls(socket: Socket, { destination }: Egress, secureContext: SecureContext): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const host = destination.literal ?? destination.host;
  const secure = connectTls({
    socket,
    host,
    ...(destination.literal === null ? { servername: host } : {}),
    secureContext,
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1'],
  });
  const timer = setTimeout(
    () => secure.destroy(new Refusal(504, 'TLS timed out', 'the destination did not answer in time')),
    10_000,
  );
  secure.once('secureConnect', () => {
    clearTimeout(timer);
    resolve(secure);
  });
  secure.on('error', (cause) => {
    clearTimeout(timer);
    reject(
      cause instanceof Refusal
        ? cause
        : new Refusal(502, 'TLS failed', 'the certificate or TLS of the destination is not acceptable', { cause }),
    );
  });
  return promise;
}
