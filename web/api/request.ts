import { ApiError, problemFrom } from './problem.ts';

interface RequestOptions {
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** For creates: the same key is sent again when the same act is tried again. */
  readonly idempotencyKey?: string;
}

let csrfToken: string | null = null;
let onSignedOut: () => void = () => undefined;

/** Remembers what GET /session answered; sent back with every state change. */
export function rememberCsrfToken(token: string | null): void {
  csrfToken = token;
}
/** Called when a reply says that the session is over. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

const safe = new Set(['GET', 'HEAD']);

async function send(method: string, path: string, options: RequestOptions): Promise<Response> {
  const headers = new Headers({ accept: 'application/json' });
  if (!safe.has(method) && csrfToken !== null) headers.set('x-csrf-token', csrfToken);
  if (options.idempotencyKey !== undefined) headers.set('idempotency-key', options.idempotencyKey);
  if (options.body !== undefined) headers.set('content-type', 'application/json');
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers,
      credentials: 'same-origin',
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError('offline', 'The server cannot be reached. Nothing was lost; try again when it is back');
  }
  if (response.ok) return response;
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  const problem = problemFrom(response.status, body);
  if (problem.code === 'not_signed_in') onSignedOut();
  throw problem;
}

/** Sends a request to the app's API and reads the JSON it answers. Throws ApiError. */
export async function request<Reply>(method: string, path: string, options: RequestOptions = {}): Promise<Reply> {
  const response = await send(method, path, options);
  if (response.status === 204) return undefined as Reply;
  const text = await response.text();
  return (text === '' ? undefined : JSON.parse(text)) as Reply;
}

/** Reads raw bytes. Throws ApiError. */
export async function requestBytes(path: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const response = await send('GET', path, { signal });
  return new Uint8Array(await response.arrayBuffer());
}

/** A fresh key for one act of creating. */
export const newIdempotencyKey = (): string => crypto.randomUUID();
