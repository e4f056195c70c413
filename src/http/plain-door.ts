import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { patience } from '#http/patience.ts';

const challengePrefix = '/.well-known/acme-challenge/';
const loopbackPeer = /^(?:127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3})$/;
const loopbackHost = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;
const printable = /^\/[\x21-\x7e]*$/;

export interface PlainDoorOptions {
  /** Where everybody is sent, such as `https://code.example.org`; other names of `hosts` stay the same. */
  readonly origin: string;
  /** Host names (without port) that are answered; a name that begins with `*.` covers one label. */
  readonly hosts: readonly string[];
  /** The answer to an HTTP-01 challenge, or undefined. */
  readonly challengeAnswer: (token: string) => string | undefined;
  /** The app, for who is on this machine and asks for it by a loopback name. */
  readonly app: (request: IncomingMessage, response: ServerResponse) => void;
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/**
 * The listener for plain HTTP beside TLS. To the network it answers challenges of ACME (RFC 8555, section
 * 8.3) and otherwise says only where https:// is; on loopback, where nothing is in the clear for others
 * to read, it is the app, because no public certificate names `localhost`.
 */
export function createPlainDoor(options: PlainDoorOptions): Server {
  const { origin, hosts, challengeAnswer } = options;
  const port = new URL(origin).port;
  const mayUseApp = (request: IncomingMessage): boolean =>
    loopbackPeer.test(request.socket.remoteAddress ?? '') && loopbackHost.test(request.headers.host ?? '');

  const server = createServer(
    {
      maxHeaderSize: 8192,
      headersTimeout: patience.headersMs,
      requestTimeout: patience.requestMs,
      keepAliveTimeout: 5_000,
      connectionsCheckingInterval: patience.checkingMs,
    },
    (request, response) => {
      if (mayUseApp(request)) return options.app(request, response);
      const url = request.url ?? '';
      if (url.startsWith(challengePrefix)) {
        const answer = challengeAnswer(url.slice(challengePrefix.length));
        return answer === undefined
          ? say(response, 404, 'There is no such challenge')
          : say(response, 200, answer, 'application/octet-stream');
      }
      const name = (request.headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
      if (!hosts.some((host) => matches(host, name))) return say(response, 421, 'This server has another name');
      if (!printable.test(url)) return say(response, 400, 'This address cannot be read');
      response.setHeader('location', `https://${name}${port === '' ? '' : `:${port}`}${url}`);
      say(response, 308, 'This server speaks HTTPS');
    },
  );
  server.setTimeout(patience.connectionMs);
  server.on('upgrade', (request, socket, head) => {
    if (mayUseApp(request)) options.upgrade(request, socket, head);
    else socket.end('HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  return server;
}

function matches(host: string, name: string): boolean {
  if (!host.startsWith('*.')) return host === name;
  const label = name.slice(0, -(host.length - 1));
  return name.endsWith(host.slice(1)) && /^[a-z0-9-]{1,63}$/.test(label);
}

function say(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    // What was sent with the request is not read.
    connection: 'close',
  });
  response.end(text);
}
