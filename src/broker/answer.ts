import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type Refusal, refusalBody } from '#broker/refusal.ts';

/** Answers a request with a refusal as one line of text. The connection ends, because the body may be unread. */
export function answerRefusal(guest: IncomingMessage, reply: ServerResponse, refusal: Refusal): void {
  if (reply.headersSent) {
    reply.destroy();
    return;
  }
  const body = refusalBody(refusal);
  reply.writeHead(refusal.status, STATUS_CODES[refusal.status] ?? 'Refused', {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    ...(guest.complete ? {} : { Connection: 'close' }),
  });
  reply.end(body);
}

/** Answers a CONNECT with a refusal, on the bare connection, and ends it. */
export function answerConnectRefusal(guest: Socket, refusal: Refusal): void {
  if (guest.destroyed || !guest.writable) return;
  const body = refusalBody(refusal);
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? 'Refused'}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ].join('\r\n');
  guest.write(`${head}\r\n\r\n${body}`);
  guest.destroySoon();
}

/** Answers with a problem as JSON, for programs that read nothing else from these endpoints. */
export function answerProblem(reply: ServerResponse, status: number, code: string, message: string): void {
  const body = JSON.stringify({ type: 'error', error: { type: code, message } });
  reply.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  });
  reply.end(body);
}
