import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A request as an upstream received it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  bytes: number;
  sha256: string;
}

/** An HTTP server on a loopback address that sandboxes do not except from their proxy. */
export interface Upstream extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly requests: SeenRequest[];
  /** TCP connections so far. */
  connections(): number;
  /** Sets how requests are answered; the default tells what was received, as JSON. */
  answer(handler: (request: IncomingMessage, reply: ServerResponse) => void): void;
  readonly server: Server;
}

export interface UpstreamOptions {
  readonly host?: string;
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** Starts an upstream that counts and hashes what it receives. */
export async function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const { host = '127.0.0.2', tls } = options;
  const requests: SeenRequest[] = [];
  let connections = 0;
  let handler: ((request: IncomingMessage, reply: ServerResponse) => void) | undefined;
  const serve = (request: IncomingMessage, reply: ServerResponse): void => {
    const { method = '', url = '', headers, rawHeaders } = request;
    const seen: SeenRequest = { method, url, headers, rawHeaders, bytes: 0, sha256: '' };
    requests.push(seen);
    if (handler) {
      handler(request, reply);
      return;
    }
    const hash = createHash('sha256');
    request.on('data', (chunk: Buffer) => {
      seen.bytes += chunk.length;
      hash.update(chunk);
    });
    request.on('end', () => {
      seen.sha256 = hash.digest('hex');
      reply.setHeader('content-type', 'application/json');
      reply.end(JSON.stringify(seen));
    });
  };
  const server = tls ? createTlsServer(tls, serve) : createServer(serve);
  server.on('connection', () => {
    connections += 1;
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, host);
  await once(server, 'listening');
  return {
    host,
    port: (server.address() as AddressInfo).port,
    requests,
    connections: () => connections,
    answer(next) {
      handler = next;
    },
    server,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A certificate authority of its own and a certificate by it, as PEM. */
export interface TestCertificate {
  readonly key: string;
  readonly cert: string;
  readonly caFile: string;
}

/** Makes a certificate for `names` (`DNS:…`, `IP:…`) with openssl, in `directory`. */
export async function makeCertificate(directory: string, names: string): Promise<TestCertificate> {
  const at = (name: string): string => path.join(directory, name);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await execute('openssl', [
    'req',
    '-x509',
    ...curve,
    '-subj',
    '/CN=test authority',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-addext',
    'basicConstraints=critical,CA:TRUE',
  ]);
  await execute('openssl', [
    'req',
    '-x509',
    ...curve,
    '-subj',
    '/CN=test',
    '-keyout',
    at('leaf.key'),
    '-out',
    at('leaf.pem'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-addext',
    `subjectAltName=${names}`,
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  ]);
  const [key, cert] = await Promise.all([readFile(at('leaf.key'), 'utf8'), readFile(at('leaf.pem'), 'utf8')]);
  return { key, cert, caFile: at('ca.pem') };
}
