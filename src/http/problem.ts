import { CasemateError, type ErrorCode, errorCatalogue } from '#contract/errors.ts';
import type { Problem } from '#contract/api.ts';

/** What Fastify itself refuses, by its status; its messages may repeat input, so none is used. */
const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_request',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'too_large',
  414: 'too_large',
  415: 'unsupported_media_type',
  429: 'rate_limited',
  431: 'too_large',
  503: 'unavailable',
};

/** What may be told about `error`: a CasemateError as it is, a refusal of Fastify by its status, else `internal`. */
export function toCasemateError(error: unknown): CasemateError {
  if (error instanceof CasemateError) return error;
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  const code = typeof status === 'number' ? codeOfStatus[status] : undefined;
  return new CasemateError(code ?? 'internal', undefined, { cause: error });
}

/** RFC 9457 problem details. */
export function toProblem(error: CasemateError, requestId: string): Problem {
  const { status, title } = errorCatalogue[error.code];
  const wait = error.detail['retryAfterSeconds'];
  return {
    type: `urn:casemate:error:${error.code}`,
    title,
    status,
    code: error.code,
    ...(error.message === title ? {} : { detail: error.message }),
    requestId,
    ...(typeof wait === 'number' ? { retryAfterSeconds: wait } : {}),
  };
}
