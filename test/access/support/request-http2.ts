import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import type { Answer, RequestOptions } from './request.ts';

const sessions = new Map<string, ClientHttp2Session>();
/** Certificate authorities of the servers under test, by origin. */
const authorities = new Map<string, string>();

export const trust = (origin: string, authority: string): void => void authorities.set(origin, authority);
export const authorityOf = (origin: string): string | undefined => authorities.get(origin);

function sessionTo(origin: string): ClientHttp2Session {
  const known = sessions.get(origin);
  if (known && !known.closed && !known.destroyed) return known;
  const ca = authorities.get(origin);
  const session = connect(origin, ca === undefined ? {} : { ca });
  // Streams fail with their session.
  session.on('error', () => session.destroy());
  session.unref();
  sessions.set(origin, session);
  return session;
}

/** `send` over HTTP/2, verified against the authority of the server under test. */
export function sendHttp2(origin: string, path: string, raw: unknown, options: RequestOptions): Promise<Answer> {
  const { host, ...headers } = Object.fromEntries(
    Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const outgoing: OutgoingHttpHeaders = {
    ':method': options.method ?? 'GET',
    ':path': path,
    ...(host === undefined ? {} : { ':authority': String(host) }),
    ...(raw === undefined ? {} : { 'content-type': 'application/json' }),
    ...(headers as OutgoingHttpHeaders),
  };
  return new Promise((resolve, reject) => {
    const stream = sessionTo(origin).request(outgoing);
    const chunks: Buffer[] = [];
    let answered: Record<string, string | string[] | undefined> = {};
    stream.on('response', (got) => (answered = got as typeof answered));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const isJson = /json/.test(String(answered['content-type'] ?? ''));
      resolve({
        status: Number(answered[':status'] ?? 0),
        headers: answered,
        text,
        json: isJson && text !== '' ? (JSON.parse(text) as Answer['json']) : {},
      });
    });
    stream.end(raw as string | Uint8Array | undefined);
  });
}
