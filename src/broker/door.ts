import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Server, Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Log } from '#channel/log.ts';
import type { Admission, EgressRequest } from '#broker/admission.ts';
import { answerConnectRefusal, answerProblem, answerRefusal } from '#broker/answer.ts';
import { parseDestination } from '#broker/destination.ts';
import { endpointTarget, findCredential, matchEndpoint } from '#broker/endpoint.ts';
import { forward, type ForwardTarget } from '#broker/forward.ts';
import { parseProxyTarget, proxyTarget } from '#broker/proxy-target.ts';
import { Refusal } from '#broker/refusal.ts';
import type { DoorIdentity } from '#broker/sandbox-party.ts';
import type { SecretStore } from '#broker/secret-store.ts';
import { openTunnel, type TakeOver } from '#broker/tunnel.ts';
import { UpstreamAgent } from '#broker/upstream-agent.ts';

export interface Door {
  readonly identity: DoorIdentity;
  /** Ends what the policy no longer allows. */
  reconsider(): void;
  /** Stops listening and ends every connection of the sandbox. */
  close(): void;
}

export interface DoorOptions {
  readonly identity: DoorIdentity;
  /** A listening socket inside the sandbox's network namespace; the door takes it over. */
  readonly listener: Server;
  readonly admission: Admission;
  readonly secrets: SecretStore;
  readonly secureContext: SecureContext;
  readonly takeOver: TakeOver;
  readonly log: Log;
  /** Connections that the sandbox may hold to its door. */
  readonly maximumConnections?: number;
}

const help = `casemate: this is the way out of the sandbox. Use it as an HTTP proxy (CONNECT, or http:// URLs in
absolute form), or send to /anthropic, /openai or /git/<host>/ to have the team's credential added.\n`;

const endpointNames = { anthropic: 'Anthropic', openai: 'OpenAI', git: 'git host' } as const;

/** Opens a sandbox's door: the HTTP/1.1 proxy and credential endpoints behind one listening socket. */
export function openDoor(options: DoorOptions): Door {
  const { identity, listener, admission, secrets, log, maximumConnections = 512 } = options;
  const agent = new UpstreamAgent(options.secureContext);
  const sockets = new Set<Socket>();
  // The server no longer counts a connection that was taken over.
  let takenOver = 0;
  const takeOver: TakeOver = (accepted, onread) => {
    const socket = options.takeOver(accepted, onread);
    const recount = (change: number): void => {
      takenOver += change;
      server.maxConnections = maximumConnections - takenOver;
    };
    recount(1);
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      recount(-1);
    });
    return socket;
  };

  const send = async (
    guest: IncomingMessage,
    reply: ServerResponse,
    request: EgressRequest,
    target: () => ForwardTarget,
  ): Promise<void> => {
    const egress = await admission.admit(request);
    try {
      await forward(guest, reply, { egress, agent, target: target() });
    } finally {
      egress.close('failed', 0, 0);
    }
  };

  const viaProxy = (guest: IncomingMessage, reply: ServerResponse, url: string): Promise<void> => {
    const parsed = parseProxyTarget(url);
    const request = { destination: parsed.destination, method: guest.method ?? 'GET', credential: null };
    const { host, port } = parsed.destination;
    const pinned = secrets
      .ofTeam(identity.teamId)
      .some(({ destination }) => destination.host === host && destination.port === port);
    return send(guest, reply, request, () => proxyTarget(parsed, guest.rawHeaders, pinned));
  };

  const viaEndpoint = async (guest: IncomingMessage, reply: ServerResponse, url: string): Promise<void> => {
    const match = matchEndpoint(url);
    if (!match) throw new Refusal(404, 'not an endpoint', help.trimEnd().slice('casemate: '.length));
    const credential = findCredential(secrets, identity.teamId, match);
    if (!credential) {
      const message =
        `This team has no ${endpointNames[match.kind]} credential for this address. ` +
        `Someone who may can store one with: casemate secret set ${match.kind === 'git' ? 'github (or another git host)' : match.kind}`;
      answerProblem(reply, 404, 'not_found_error', message);
      return;
    }
    const request = { destination: credential.destination, method: guest.method ?? 'GET', credential: match.kind };
    await send(guest, reply, request, () => endpointTarget(match, credential, guest.rawHeaders));
  };

  const serve = (guest: IncomingMessage, reply: ServerResponse): void => {
    const url = guest.url ?? '/';
    const route = async (): Promise<void> => {
      if (guest.method === 'TRACE') throw new Refusal(405, 'TRACE', 'TRACE would show credentials and is refused');
      if (url.startsWith('/')) await viaEndpoint(guest, reply, url);
      else await viaProxy(guest, reply, url);
    };
    route().catch((error: unknown) => {
      if (!(error instanceof Refusal)) log.error({ err: error, sandboxId: identity.sandboxId }, 'a request failed');
      answerRefusal(guest, reply, error instanceof Refusal ? error : internal(error));
    });
  };

  const tunnel = (guest: IncomingMessage, socket: Socket, head: Buffer): void => {
    socket.on('error', (error) => log.debug({ err: error, sandboxId: identity.sandboxId }, 'a guest broke off'));
    const route = async (): Promise<void> => {
      const destination = parseDestination(guest.url ?? '');
      const egress = await admission.admit({ destination, method: 'CONNECT', credential: null });
      await openTunnel(socket, { head, egress, takeOver });
    };
    route().catch((error: unknown) => {
      if (!(error instanceof Refusal)) log.error({ err: error, sandboxId: identity.sandboxId }, 'a tunnel failed');
      answerConnectRefusal(socket, error instanceof Refusal ? error : internal(error));
    });
  };

  const server = createServer({
    maxHeaderSize: 65_536,
    insecureHTTPParser: false,
    headersTimeout: 30_000,
    // Uploads may take as long as they move; a silent connection ends by `timeout`.
    requestTimeout: 0,
    keepAliveTimeout: 75_000,
    noDelay: true,
    // With Node's own, which is one read, a guest is waited for after each.
    highWaterMark: 131_072,
  });
  server.timeout = 15 * 60_000;
  server.maxHeadersCount = 0;
  server.maxConnections = maximumConnections;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', serve);
  server.on('checkContinue', serve);
  server.on('connect', (guest, stream, head) => tunnel(guest, stream as Socket, head));
  server.on('drop', () => log.warn({ sandboxId: identity.sandboxId }, 'a door has too many connections'));
  server.on('error', (error) => log.error({ err: error, sandboxId: identity.sandboxId }, 'a door stopped accepting'));
  server.listen(listener);

  return {
    identity,
    reconsider() {
      agent.closeIdle();
      admission.reconsider();
    },
    close() {
      server.close();
      admission.endAll('door closed');
      agent.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const internal = (cause: unknown): Refusal =>
  new Refusal(500, 'internal', 'something went wrong in the way out of the sandbox', { cause });
