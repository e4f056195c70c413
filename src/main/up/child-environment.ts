import { allocatorEnvironment } from '#config/process-memory.ts';

/** What our own processes get: nothing of the supervisor's environment but how TLS finds the machine's authorities. */
export function childEnvironment(production: boolean): Readonly<Record<string, string>> {
  const extra = process.env.NODE_EXTRA_CA_CERTS;
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    ...allocatorEnvironment,
    ...(production ? { NODE_ENV: 'production' } : {}),
    ...(extra ? { NODE_EXTRA_CA_CERTS: extra } : {}),
  };
}
