import type { ServerConfig } from '#config/process.ts';

/** The part of the configuration that this room needs. */
export type HttpConfig = Pick<
  ServerConfig,
  | 'appHosts'
  | 'allowedOrigins'
  | 'maintenance'
  | 'production'
  | 'rateLimit'
  | 'secureCookies'
  | 'tls'
  | 'trustProxy'
  | 'webDirectory'
>;
