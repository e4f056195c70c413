import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A real `git http-backend` (smart HTTP) behind Node's HTTP server. */
export interface GitServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Where `<directory>/<name>` is cloned from. */
  url(name: string): string;
  /** Every request, with the credential it carried. */
  readonly requests: { readonly method: string; readonly path: string; readonly authorization: string | undefined }[];
}

/**
 * Serves the bare repositories below `directory`. With `bytesPerSecond` answers are slow,
 * so that a clone can be cancelled in its middle; with `password` basic authentication is asked for.
 */
export async function startGitServer(options: {
  readonly directory: string;
  /** A loopback address that is not in NO_PROXY inside sandboxes. */
  readonly host?: string;
  readonly bytesPerSecond?: number;
  readonly password?: string;
}): Promise<GitServer> {
  const { directory, host = '127.0.0.2', bytesPerSecond, password } = options;
  const requests: GitServer['requests'] = [];
  const server = createServer((request, response) => {
    requests.push({
      method: request.method ?? '',
      path: request.url ?? '',
      authorization: request.headers.authorization,
    });
    const offered = Buffer.from((request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString();
    if (password !== undefined && offered.split(':')[1] !== password) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    runBackend(directory, request, response, bytesPerSecond);
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    host,
    port,
    requests,
    url: (name) => `http://${host}:${port}/${name}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function runBackend(
  directory: string,
  request: IncomingMessage,
  response: ServerResponse,
  bytesPerSecond: number | undefined,
): void {
  const url = new URL(request.url ?? '/', 'http://git');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: directory,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => request.unpipe());
  response.on('close', () => child.kill());
  sendReply(child.stdout, response, bytesPerSecond).catch(() => response.destroy());
}

/** Turns the CGI reply (RFC 3875, section 6) into an HTTP one. */
async function sendReply(
  output: NodeJS.ReadableStream,
  response: ServerResponse,
  bytesPerSecond: number | undefined,
): Promise<void> {
  let head = Buffer.alloc(0);
  let started = false;
  for await (const bytes of output) {
    let body = bytes as Buffer;
    if (!started) {
      head = Buffer.concat([head, body]);
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) continue;
      started = true;
      for (const line of head.toString('latin1', 0, end).split('\r\n')) {
        const [name = '', value = ''] = line.split(/:\s*/, 2);
        if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10);
        else response.setHeader(name, value);
      }
      body = head.subarray(end + 4);
    }
    if (body.length > 0 && !response.write(body)) await once(response, 'drain');
    if (bytesPerSecond) await new Promise((resolve) => setTimeout(resolve, (body.length / bytesPerSecond) * 1000));
  }
  response.end();
}
