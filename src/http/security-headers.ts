import type { FastifyHelmetOptions } from '@fastify/helmet';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpConfig } from '#http/http-config.ts';

/** Everything a page of ours does not need. */
const permissionsPolicy = [
  'accelerometer',
  'autoplay',
  'camera',
  'display-capture',
  'geolocation',
  'gyroscope',
  'hid',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'serial',
  'usb',
  'xr-spatial-tracking',
]
  .map((feature) => `${feature}=()`)
  .join(', ');

/**
 * The headers of every reply. Neither scripts nor style elements may be inline, and no Trusted Types
 * policy may be made: what the pages need of the DOM they do without strings of markup.
 */
export function helmetOptions(config: Pick<HttpConfig, 'production' | 'appHosts'>): FastifyHelmetOptions {
  // A source expression has no form for an IPv6 address (CSP3, section 2.3.1).
  const sockets = config.appHosts
    .filter((host) => !host.startsWith('['))
    .flatMap((host) => (config.production ? [`wss://${host}`] : [`wss://${host}`, `ws://${host}`]));
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        // Without WebGL the terminal draws 24-bit colours, and those it adjusts for contrast, as style attributes.
        styleSrcAttr: ["'unsafe-inline'"],
        // 'self' covers WebSockets in new browsers only.
        connectSrc: ["'self'", ...sockets],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        manifestSrc: ["'self'"],
        workerSrc: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        requireTrustedTypesFor: ["'script'"],
        trustedTypes: ["'none'"],
        ...(config.production ? { upgradeInsecureRequests: [] } : {}),
      },
    },
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    crossOriginEmbedderPolicy: false,
    originAgentCluster: true,
    referrerPolicy: { policy: 'no-referrer' },
    // By host, below.
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
    xPermittedCrossDomainPolicies: { permittedPolicies: 'none' },
    xXssProtection: true,
  };
}

const loopbackHost = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;

/**
 * What helmet leaves out. Strict-Transport-Security (RFC 6797) holds for a host on all ports and for two
 * years, so on loopback it would take every other server on that person's machine along.
 */
export function createFurtherHeaders({ production, tls }: Pick<HttpConfig, 'production' | 'tls'>) {
  const strict = production || tls;
  return (request: FastifyRequest, reply: FastifyReply): void => {
    reply.header('permissions-policy', permissionsPolicy).header('x-request-id', request.id);
    if (strict && !loopbackHost.test(request.host)) {
      reply.header('strict-transport-security', 'max-age=63072000; includeSubDomains');
    }
  };
}
