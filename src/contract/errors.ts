/**
 * Every error that may leave a process, by its stable code. Codes are never reused. The title is
 * what a person reads first; a message may add facts but never repeats what the caller sent.
 */
export const errorCatalogue = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  invalid_path: { status: 400, title: 'The path is not valid' },
  invalid_git_url: { status: 400, title: 'The git URL cannot be used' },
  weak_password: { status: 400, title: 'The password is too easy to guess' },
  not_signed_in: { status: 401, title: 'Sign in first' },
  wrong_credentials: { status: 401, title: 'E-mail address or password is wrong' },
  forbidden: { status: 403, title: 'You may not do this' },
  csrf: { status: 403, title: 'The request did not come from this page' },
  setup_refused: { status: 403, title: 'Set-up is refused' },
  not_found: { status: 404, title: 'There is no such thing' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  conflict: { status: 409, title: 'The state does not allow this' },
  already_exists: { status: 409, title: 'It exists already' },
  idempotency_mismatch: { status: 409, title: 'The idempotency key was used for another request' },
  gone: { status: 410, title: 'It is no longer there' },
  offset_trimmed: { status: 410, title: 'The offset is no longer in the spool' },
  too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'The content type is not accepted' },
  unknown_host: { status: 421, title: 'This server does not answer for that host' },
  rate_limited: { status: 429, title: 'Too many requests' },
  quota_exceeded: { status: 429, title: 'The limit of the team is reached' },
  cancelled: { status: 499, title: 'The request was cancelled' },
  internal: { status: 500, title: 'Something went wrong on the server' },
  sandbox_failed: { status: 502, title: 'The sandbox could not do this' },
  unavailable: { status: 503, title: 'A part of the server is not available' },
  maintenance: { status: 503, title: 'The server is in maintenance' },
  timed_out: { status: 504, title: 'It took too long' },
  no_space: { status: 507, title: 'The disk is full' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof errorCatalogue;

/** True when `code` is one of the catalogue. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCatalogue, code);
}

/** A failure that may be told to the other side of a wire. Anything else is `internal` there. */
export class CasemateError extends Error {
  override readonly name = 'CasemateError';
  readonly code: ErrorCode;
  /** Facts for a program, such as `{ retryAfterSeconds: 3 }`; never secrets, never input. */
  readonly detail: Readonly<Record<string, string | number | boolean>>;

  constructor(
    code: ErrorCode,
    message: string = errorCatalogue[code].title,
    options: { cause?: unknown; detail?: Record<string, string | number | boolean> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = Object.freeze({ ...options.detail });
  }
}
