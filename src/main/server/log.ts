import { type Logger, pino } from 'pino';
import type { ServerConfig } from '#config/process.ts';
import { logDestination } from '#main/log-destination.ts';

/** What must not be in a log even by mistake. */
const secret = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'token',
  'key',
  'value',
  '*.authorization',
  '*.cookie',
  '*.password',
  '*.secret',
  '*.token',
  'headers.authorization',
  'headers.cookie',
  'headers["x-api-key"]',
  'headers["x-csrf-token"]',
];

/** JSON lines on standard output. */
export function createServerLog(level: ServerConfig['logLevel']): Logger {
  return pino(
    { level, base: { process: 'server' }, redact: { paths: secret, censor: '[redacted]' } },
    logDestination(),
  );
}
