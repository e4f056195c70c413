import type { SettingValues } from '#config/config.ts';

type TlsSettings = Pick<SettingValues, 'domain' | 'tlsCertificateFiles' | 'trustProxy'>;

/** Certificates come by ACME: a domain is named, and neither certificate files nor a proxy that ends TLS. */
export const usesAcme = ({ domain, tlsCertificateFiles, trustProxy }: TlsSettings): boolean =>
  domain !== null && tlsCertificateFiles.length === 0 && trustProxy.length === 0;

/** TLS ends in the server itself. */
export const endsTls = (values: TlsSettings): boolean => values.tlsCertificateFiles.length > 0 || usesAcme(values);

/** The origin under which browsers come from elsewhere: FRONTEND_URL, or the domain; null when neither is set. */
export function publicOrigin(
  values: Pick<SettingValues, 'frontendUrl' | 'domain' | 'port'> & TlsSettings,
): string | null {
  if (values.frontendUrl !== null || values.domain === null) return values.frontendUrl;
  // A proxy in front listens where browsers look for it.
  const port = values.port === 443 || !endsTls(values) ? '' : `:${values.port}`;
  return `https://${values.domain}${port}`;
}

/** The names that the certificate by ACME covers; the wildcard needs DNS-01 (RFC 8555, section 8.4). */
export const certificateNames = (domain: string, wildcard: boolean): readonly string[] =>
  wildcard ? [domain, `*.${domain}`] : [domain, `api.${domain}`];
