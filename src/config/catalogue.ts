import {
  boolean,
  domainName,
  email,
  hostAndPort,
  httpsUrl,
  integer,
  list,
  listenAddress,
  network,
  oneOf,
  optional,
  origin,
  path,
  postgresUrl,
  strongSecret,
} from '#config/parse.ts';
import { setting } from '#config/setting.ts';

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
const perMinute = 1200;

/** Every setting there is. A name that is not here stops the start. */
export const settings = {
  port: setting({
    variable: 'PORT',
    flag: 'port',
    about: 'The one port that serves everything.',
    default: 3014,
    defaultText: '3014',
    parse: integer(1, 65_535),
  }),
  host: setting({
    variable: 'CASEMATE_HOST',
    flag: 'host',
    about: 'The address to listen on. One that is not loopback makes this production.',
    default: '127.0.0.1',
    defaultText: '127.0.0.1',
    parse: listenAddress,
  }),
  data: setting({
    variable: 'CASEMATE_DATA',
    flag: 'data',
    about: 'The data directory. One instance for each.',
    default: '/var/lib/casemate',
    defaultText: '/var/lib/casemate',
    parse: path,
  }),
  cache: setting({
    variable: 'CASEMATE_CACHE',
    about: 'Node, modules and templates by digest, shared by all instances; root-owned.',
    default: '/var/cache/casemate',
    defaultText: '/var/cache/casemate',
    parse: path,
  }),
  databaseUrl: setting<string | null>({
    variable: 'DATABASE_URL',
    secret: true,
    about: 'A PostgreSQL (15 or newer) of your own, with the credentials of a role that may create roles.',
    default: null,
    defaultText: 'the supervised PostgreSQL',
    parse: optional(postgresUrl),
    weakness: (value) => databaseWeakness(value),
  }),
  postgresBin: setting<string | null>({
    variable: 'CASEMATE_POSTGRES_BIN',
    about: "The bin directory of a distribution's PostgreSQL, in place of the one from npm.",
    default: null,
    defaultText: 'from npm',
    parse: optional(path),
  }),
  jwtSecret: setting<string | null>({
    variable: 'JWT_SECRET',
    secret: true,
    about: 'Root of the keys of tickets and CSRF tokens; at least 32 characters.',
    default: null,
    defaultText: 'made at the first start',
    parse: optional(strongSecret),
  }),
  frontendUrl: setting<string | null>({
    variable: 'FRONTEND_URL',
    about: 'The origin under which browsers reach the server, when that is not http://localhost:PORT.',
    default: null,
    defaultText: 'none',
    parse: optional(origin),
    weakness: (value) =>
      value === null || value.startsWith('https://') || isLocalOrigin(value) ? null : 'must be https:// in production',
  }),
  allowedOrigins: setting({
    variable: 'ALLOWED_ORIGINS',
    about: 'Further origins, comma-separated, whose pages may call the API.',
    default: Object.freeze([]) as readonly string[],
    defaultText: 'none',
    parse: list(origin),
    weakness: (value) =>
      value.every((member) => member.startsWith('https://')) ? null : 'may hold https:// origins only in production',
  }),
  trustProxy: setting({
    variable: 'CASEMATE_TRUST_PROXY',
    about: 'Addresses or networks, comma-separated, of the TLS proxy whose forwarded headers are believed.',
    default: Object.freeze([]) as readonly string[],
    defaultText: 'none',
    parse: list(network),
  }),
  domain: setting<string | null>({
    variable: 'CASEMATE_DOMAIN',
    flag: 'domain',
    about:
      'The name of this server, such as code.example.org. It then listens on every address, port 443, and gets ' +
      'certificates for NAME and api.NAME by ACME, unless CASEMATE_TLS_CERT_FILE or CASEMATE_TRUST_PROXY is set.',
    default: null,
    defaultText: 'none',
    parse: optional(domainName),
  }),
  httpPort: setting<number | null>({
    variable: 'CASEMATE_HTTP_PORT',
    flag: 'http-port',
    about: 'Under TLS: a port that sends plain HTTP to https://, and answers the challenges of ACME.',
    default: null,
    defaultText: '80 with a domain, otherwise none',
    parse: optional(integer(1, 65_535)),
  }),
  tlsCertificateFiles: setting({
    variable: 'CASEMATE_TLS_CERT_FILE',
    flag: 'tls-cert',
    about:
      'Certificates with their chains (PEM), comma-separated; the name that the client asks for chooses. ' +
      'Read again when they change.',
    default: Object.freeze([]) as readonly string[],
    defaultText: 'none',
    parse: list(path),
  }),
  tlsKeyFiles: setting({
    variable: 'CASEMATE_TLS_KEY_FILE',
    flag: 'tls-key',
    about: "The certificates' private keys (PEM), in the same order; refused when others may read them.",
    default: Object.freeze([]) as readonly string[],
    defaultText: 'none',
    parse: list(path),
  }),
  acmeDirectory: setting({
    variable: 'CASEMATE_ACME_DIRECTORY',
    about: 'The directory (https://) of the certificate authority that is asked by ACME (RFC 8555).',
    default: 'https://acme-v02.api.letsencrypt.org/directory',
    defaultText: "Let's Encrypt",
    parse: httpsUrl,
  }),
  dnsHook: setting<string | null>({
    variable: 'CASEMATE_DNS_HOOK',
    about:
      'A program that sets and removes DNS records, `PROGRAM set|remove NAME VALUE`, run as casemate-hook without a ' +
      'shell; with it ACME uses DNS-01 and the certificate covers *.NAME too.',
    default: null,
    defaultText: 'none',
    parse: optional(path),
  }),
  httpsOnly: setting({
    variable: 'HTTPS_ONLY',
    about:
      'Insist that browsers come by HTTPS: FRONTEND_URL must be https://, and TLS end here or in CASEMATE_TRUST_PROXY.',
    default: false,
    defaultText: 'false',
    parse: boolean,
  }),
  secureCookies: setting({
    variable: 'SECURE_COOKIES',
    about: 'Mark cookies Secure. Browsers accept that on localhost.',
    default: true,
    defaultText: 'true',
    parse: boolean,
    weakness: (value) => (value ? null : 'may not be false in production'),
  }),
  rateLimitWindowMs: setting({
    variable: 'RATE_LIMIT_WINDOW_MS',
    about: 'Milliseconds over which requests of one address are counted.',
    default: 60_000,
    defaultText: '60000',
    parse: integer(1000, 3_600_000),
  }),
  rateLimitMaximum: setting({
    variable: 'RATE_LIMIT_MAX_REQUESTS',
    about: `Requests of one address in that window. In production at most ${perMinute} a minute.`,
    default: perMinute,
    defaultText: String(perMinute),
    parse: integer(1, 1_000_000),
  }),
  sessionIdleMinutes: setting({
    variable: 'SESSION_TIMEOUT_MINUTES',
    about: 'A session ends after so many minutes without use.',
    default: 60,
    defaultText: '60',
    parse: integer(1, 10_080),
    weakness: (value) => (value <= 60 ? null : 'may be at most 60 in production'),
  }),
  sessionAbsoluteHours: setting({
    variable: 'CASEMATE_SESSION_HOURS',
    about: 'A session ends after so many hours, used or not.',
    default: 168,
    defaultText: '168',
    parse: integer(1, 8760),
    weakness: (value) => (value <= 168 ? null : 'may be at most 168 in production'),
  }),
  maximumSessions: setting({
    variable: 'MAX_CONCURRENT_SESSIONS',
    about: 'Sessions of one account at once; a new one ends the oldest.',
    default: 3,
    defaultText: '3',
    parse: integer(1, 100),
    weakness: (value) => (value <= 3 ? null : 'may be at most 3 in production'),
  }),
  maintenance: setting({
    variable: 'MAINTENANCE_MODE',
    about: 'Answer every request with 503 and say why; what runs goes on.',
    default: false,
    defaultText: 'false',
    parse: boolean,
  }),
  privateDestinations: setting({
    variable: 'CASEMATE_PRIVATE_DESTINATIONS',
    about:
      "host:port, comma-separated: the operator's exceptions to the address guard, such as a company's git server.",
    default: Object.freeze([]) as readonly { readonly host: string; readonly port: number }[],
    defaultText: 'none',
    parse: list(hostAndPort),
  }),
  caFile: setting<string | null>({
    variable: 'CASEMATE_CA_FILE',
    about: 'A certificate authority (PEM) that outgoing TLS trusts besides the built-in ones.',
    default: null,
    defaultText: 'none',
    parse: optional(path),
  }),
  ownerEmail: setting<string | null>({
    variable: 'CASEMATE_OWNER_EMAIL',
    about: 'With CASEMATE_OWNER_PASSWORD_FILE: makes the owner at the first start, without a browser.',
    default: null,
    defaultText: 'none',
    parse: optional(email),
  }),
  ownerPasswordFile: setting<string | null>({
    variable: 'CASEMATE_OWNER_PASSWORD_FILE',
    about: 'A file that holds the password of that owner.',
    default: null,
    defaultText: 'none',
    parse: optional(path),
  }),
  idleStopMinutes: setting({
    variable: 'CASEMATE_IDLE_STOP_MINUTES',
    about: "A workspace's sandbox stops after so many minutes in which nothing ran in it.",
    default: 30,
    defaultText: '30',
    parse: integer(1, 10_080),
  }),
  maximumSandboxes: setting({
    variable: 'CASEMATE_MAX_SANDBOXES',
    about: 'Sandboxes that may run at once.',
    default: 50,
    defaultText: '50',
    parse: integer(1, 1000),
  }),
  sandboxMemoryMiB: setting({
    variable: 'CASEMATE_SANDBOX_MEMORY_MIB',
    about: 'Memory of a sandbox.',
    default: 4096,
    defaultText: '4096, at most three quarters of the machine',
    parse: integer(64, 1_048_576),
  }),
  sandboxCpuPercent: setting({
    variable: 'CASEMATE_SANDBOX_CPU_PERCENT',
    about: 'CPU of a sandbox in hundredths of one.',
    default: 200,
    defaultText: '200, at most what the machine has',
    parse: integer(5, 25_600),
  }),
  sandboxProcesses: setting({
    variable: 'CASEMATE_SANDBOX_PROCESSES',
    about: 'Processes and threads of a sandbox.',
    default: 2048,
    defaultText: '2048',
    parse: integer(32, 65_536),
  }),
  sandboxDiskMiB: setting({
    variable: 'CASEMATE_SANDBOX_DISK_MIB',
    about: 'Disk of a sandbox or workspace.',
    default: 10_240,
    defaultText: '10240',
    parse: integer(256, 4_194_304),
  }),
  teamRecordingsMiB: setting({
    variable: 'CASEMATE_TEAM_RECORDINGS_MIB',
    about: "What a team's recordings may fill; then its programs wait. Removing its old *.rec files lets them go on.",
    default: 20_480,
    defaultText: '20480',
    parse: integer(16, 1_073_741_824),
  }),
  teamRecordingRate: setting({
    variable: 'CASEMATE_TEAM_RECORDING_MIB_PER_SECOND',
    about: 'What the terminals of a team may print in a second once they have printed 1 GiB faster than that.',
    default: 8,
    defaultText: '8',
    parse: integer(1, 4096),
  }),
  reserveMiB: setting({
    variable: 'CASEMATE_RESERVE_MIB',
    about:
      'Below this much free disk no sandbox or workspace is made, and below half of it no terminal records, so that its programs wait; kept for database, journals and lockdown.',
    default: 2048,
    defaultText: '2048',
    parse: integer(0, 1_048_576),
  }),
  logLevel: setting<(typeof logLevels)[number]>({
    variable: 'CASEMATE_LOG_LEVEL',
    about: 'fatal, error, warn, info, debug or trace.',
    default: 'info',
    defaultText: 'info',
    parse: oneOf(logLevels),
  }),
} as const;

export type SettingName = keyof typeof settings;

/** Settings of the seed whose feature does not exist here: set, they stop the start rather than mislead. */
export const absentSettings: Readonly<Record<string, string>> = {
  WORKSPACE_ROOT: 'workspaces live in the data directory; set CASEMATE_DATA (or --data) and unset it',
  TENANT_GITHUB_USERNAME: 'sign-in with GitHub is not there yet; unset it, and make the owner with the set-up link',
  GITHUB_CLIENT_ID: 'sign-in with GitHub is not there yet; unset it',
  GITHUB_CLIENT_SECRET: 'sign-in with GitHub is not there yet; unset it',
};

function isLocalOrigin(value: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(value).hostname);
}

function databaseWeakness(value: string | null): string | null {
  if (value === null) return null;
  const url = new URL(value);
  const local = url.hostname === '' || ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (local || url.searchParams.get('sslmode') === 'verify-full') return null;
  return 'must carry sslmode=verify-full in production when the database is on another machine';
}
