import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { problemSchema } from '#contract/api.ts';

/** The server refused; `message` is for a person. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Nobody answers at the admin socket. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

export const adminSocket = (data: string): string => join(data, 'run/server/admin.sock');

function open(data: string, method: string, path: string, body: unknown): Promise<IncomingMessage> {
  const socketPath = adminSocket(data);
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers =
    text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, path, method, headers: { host: 'localhost', ...headers } }, resolve);
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EACCES'
          ? 'you may not use its admin socket; try as root or with sudo'
          : 'no server runs there; start it with ./casemate up, or name another directory with --data';
      reject(new UnreachableError(`cannot reach the server of ${data}: ${why}`, { cause: error }));
    });
    outgoing.end(text);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

async function refuse(response: IncomingMessage): Promise<never> {
  const problem = problemSchema.safeParse(JSON.parse((await textOf(response)) || '{}'));
  if (!problem.success) throw new AdminError('internal', `the server answered ${response.statusCode}`);
  throw new AdminError(problem.data.code, problem.data.detail ?? problem.data.title);
}

const failed = (response: IncomingMessage): boolean => (response.statusCode ?? 500) >= 400;

/** One call over the admin socket of the instance in `data`. Throws AdminError or UnreachableError. */
export async function callAdmin(data: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await open(data, method, path, body);
  if (failed(response)) return refuse(response);
  const text = await textOf(response);
  return text === '' ? undefined : JSON.parse(text);
}

/** As `callAdmin`, for replies that are too long to hold. Ends with an error when the server stops half-way. */
export async function* streamAdmin(data: string, path: string): AsyncGenerator<Buffer> {
  const response = await open(data, 'GET', path, undefined);
  if (failed(response)) await refuse(response);
  for await (const chunk of response) yield chunk as Buffer;
}
