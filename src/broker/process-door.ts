import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { chmod, unlink } from 'node:fs/promises';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Log } from '#channel/log.ts';
import type { Admission } from '#broker/admission.ts';
import { answerConnectRefusal, answerRefusal } from '#broker/answer.ts';
import { parseDestination } from '#broker/destination.ts';
import { forward } from '#broker/forward.ts';
import { endToEndHeaders } from '#broker/header-list.ts';
import { Refusal } from '#broker/refusal.ts';
import { UpstreamAgent } from '#broker/upstream-agent.ts';

export interface ProcessDoorOptions {
  /** Of the Unix socket; its directory's group is the one that may reach it. */
  readonly path: string;
  /** Decides by who the kernel says has connected (SO_PEERCRED). */
  readonly admit: (socket: Socket) => boolean;
  readonly admission: Admission;
  readonly secureContext: SecureContext;
  readonly log: Log;
}

const absoluteForm = /^https:\/\/([^/?#]*)([/?][^#]*)?$/i;
const dropped: ReadonlySet<string> = new Set(['host', 'content-length', 'cookie']);

/**
 * Opens the way out of one of our own processes: HTTP/1.1 on a Unix socket, request targets in absolute
 * form, `https` only. TLS begins here, so that the process cannot leave the certificate unverified (H12).
 */
export async function openProcessDoor(options: ProcessDoorOptions): Promise<{ close(): Promise<void> }> {
  const { path, admit, admission, log } = options;
  const agent = new UpstreamAgent(options.secureContext);

  const route = async (request: IncomingMessage, reply: ServerResponse): Promise<void> => {
    const parts = absoluteForm.exec(request.url ?? '');
    if (!parts) throw new Refusal(400, 'not an https URL', 'only https:// URLs in absolute form can be asked for');
    const [, authority = '', path = '/'] = parts;
    const destination = parseDestination(authority, 443);
    const egress = await admission.admit({ destination, method: request.method ?? 'GET', credential: null });
    try {
      await forward(request, reply, {
        egress,
        agent,
        target: {
          overTls: true,
          path: path.startsWith('/') ? path : `/${path}`,
          authority: destination.port === 443 ? destination.host : `${destination.host}:${destination.port}`,
          headers: endToEndHeaders(request.rawHeaders, dropped),
          droppedFromResponse: new Set(['alt-svc', 'set-cookie']),
          secrets: [],
        },
        idleMs: 60_000,
      });
    } finally {
      egress.close('failed', 0, 0);
    }
  };

  const server = createServer({ maxHeaderSize: 65_536, headersTimeout: 30_000 }, (request, reply) => {
    route(request, reply).catch((error: unknown) => {
      if (!(error instanceof Refusal)) log.error({ err: error }, 'a request of a process failed');
      answerRefusal(request, reply, error instanceof Refusal ? error : internal(error));
    });
  });
  server.on('connection', (socket) => {
    if (admit(socket)) return;
    log.warn({ path }, 'a connection from another user was refused');
    socket.destroy();
  });
  server.on('connect', (_request, socket) => {
    const why = 'TLS begins at this door: send the https:// URL itself';
    answerConnectRefusal(socket as Socket, new Refusal(405, 'CONNECT', why));
  });
  server.maxConnections = 64;
  server.timeout = 5 * 60_000;
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  server.listen(path);
  await once(server, 'listening');
  await chmod(path, 0o660);
  return {
    async close() {
      admission.endAll('door closed');
      agent.destroy();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const internal = (cause: unknown): Refusal => new Refusal(500, 'internal', 'something went wrong', { cause });
