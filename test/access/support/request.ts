import { request as httpRequest } from 'node:http';
import { sendHttp2 } from './request-http2.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  readonly json: Record<string, unknown> & { code?: string };
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Sent as JSON, unless it is a string or bytes. */
  readonly body?: unknown;
  readonly socketPath?: string;
}

/** A request with exactly these headers: `fetch` would not let a test say `Host` or `Origin`. */
export function send(origin: string, path: string, options: RequestOptions = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, socketPath } = options;
  const raw =
    body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  if (origin.startsWith('https:')) return sendHttp2(origin, path, raw, options);
  return new Promise((resolve, reject) => {
    const url = new URL(origin);
    const outgoing = httpRequest(
      {
        ...(socketPath === undefined ? { host: url.hostname, port: url.port } : { socketPath }),
        path,
        method,
        agent: false,
        headers: {
          ...(raw === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(raw)) }),
          ...headers,
        } as Record<string, string | string[]>,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const isJson = /json/.test(response.headers['content-type'] ?? '');
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: isJson && text !== '' ? (JSON.parse(text) as Answer['json']) : {},
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(raw);
  });
}
