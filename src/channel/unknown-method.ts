import { CasemateError } from '#contract/errors.ts';

const message = 'The method is unknown';

export const unknownMethod = (): CasemateError => new CasemateError('invalid_request', message);

/** Whether the serving side is of an earlier release, which has no such method. Nothing was done. */
export const isUnknownMethod = (error: CasemateError): boolean =>
  error.code === 'invalid_request' && error.message === message;
