import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A model provider's HTTP API on loopback: remembers what it was sent and streams an answer. */
export interface ModelProvider extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  readonly requests: { readonly path: string; readonly headers: Record<string, unknown>; readonly body: string }[];
}

export async function startModelProvider(host = '127.0.0.2'): Promise<ModelProvider> {
  const requests: ModelProvider['requests'] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      requests.push({ path: request.url ?? '', headers: { ...request.headers }, body });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: message_start\ndata: {"type":"message_start"}\n\n');
      setTimeout(() => response.end('event: message_stop\ndata: {"type":"message_stop"}\n\n'), 50);
    });
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://${host}:${port}`,
    port,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
