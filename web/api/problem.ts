import { errorCatalogue, type ErrorCode, isErrorCode } from '#contract/errors.ts';

/** A request that did not succeed, as a person can be told it. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode | 'offline';
  readonly status: number;
  readonly requestId: string | null;
  readonly retryAfterSeconds: number | null;

  constructor(
    code: ErrorCode | 'offline',
    message: string,
    more: { status?: number; requestId?: string | null; retryAfterSeconds?: number | null } = {},
  ) {
    super(message);
    this.code = code;
    this.status = more.status ?? 0;
    this.requestId = more.requestId ?? null;
    this.retryAfterSeconds = more.retryAfterSeconds ?? null;
  }
}

/** Reads a problem document (RFC 9457) out of a failed reply's body; the status speaks where there is none. */
export function problemFrom(status: number, body: unknown): ApiError {
  const problem = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const code = isErrorCode(problem['code']) ? problem['code'] : codeOf(status);
  const title = typeof problem['title'] === 'string' ? problem['title'] : errorCatalogue[code].title;
  const detail = typeof problem['detail'] === 'string' ? problem['detail'] : '';
  return new ApiError(code, detail && detail !== title ? detail : title, {
    status,
    requestId: typeof problem['requestId'] === 'string' ? problem['requestId'] : null,
    retryAfterSeconds: typeof problem['retryAfterSeconds'] === 'number' ? problem['retryAfterSeconds'] : null,
  });
}

function codeOf(status: number): ErrorCode {
  const entry = Object.entries(errorCatalogue).find(([, { status: own }]) => own === status);
  if (entry) return entry[0] as ErrorCode;
  return status >= 500 ? 'unavailable' : 'invalid_request';
}

/** What to tell a person about any failure. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) {
    if (error.retryAfterSeconds !== null) return `${error.message}. Try again in ${error.retryAfterSeconds} s.`;
    return error.message;
  }
  return error instanceof Error ? error.message : 'Something went wrong in this page.';
}
