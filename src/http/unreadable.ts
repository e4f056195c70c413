import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { STATUS_CODES } from 'node:http';
import { CasemateError, type ErrorCode, errorCatalogue } from '#contract/errors.ts';
import { toProblem } from '#http/problem.ts';

const codes: Readonly<Record<string, { readonly code: ErrorCode; readonly status: number }>> = {
  HPE_HEADER_OVERFLOW: { code: 'too_large', status: 431 },
  ERR_HTTP_REQUEST_TIMEOUT: { code: 'timed_out', status: 408 },
};

/** Answers bytes that are no HTTP request, or too slow a one, before Fastify ever sees it. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (socket.destroyed || !socket.writable) return;
  // Nothing can be said before TLS stands, nor to who broke off.
  if (error.code === undefined || !/^(?:HPE_|ERR_HTTP_)/.test(error.code)) {
    socket.destroy();
    return;
  }
  const { code, status } = codes[error.code ?? ''] ?? {
    code: 'invalid_request' as const,
    status: errorCatalogue.invalid_request.status,
  };
  const requestId = randomBytes(12).toString('base64url');
  const body = JSON.stringify({ ...toProblem(new CasemateError(code), requestId), status });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'X-Content-Type-Options: nosniff',
    `X-Request-Id: ${requestId}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
