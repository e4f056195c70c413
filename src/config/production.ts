import { isIP } from 'node:net';
import { type SettingName, settings } from '#config/catalogue.ts';
import type { SettingValues } from '#config/config.ts';
import type { Setting } from '#config/setting.ts';
import { endsTls, publicOrigin, usesAcme } from '#config/tls.ts';

/** 127.0.0.0/8 or ::1. */
export function isLoopback(address: string): boolean {
  return (isIP(address) === 4 && address.startsWith('127.')) || address === '::1';
}

/** What must hold everywhere, whatever the environment calls itself. */
export function judgeAlways(values: SettingValues): string[] {
  const problems: string[] = [];
  if ((values.ownerEmail === null) !== (values.ownerPasswordFile === null)) {
    problems.push('CASEMATE_OWNER_EMAIL and CASEMATE_OWNER_PASSWORD_FILE belong together: set both or neither');
  }
  if (values.httpsOnly && !publicOrigin(values)?.startsWith('https://')) {
    problems.push('HTTPS_ONLY=true needs FRONTEND_URL to be the https:// origin of the proxy in front');
  }
  if (values.httpsOnly && values.trustProxy.length === 0 && !endsTls(values)) {
    problems.push(
      'HTTPS_ONLY=true needs TLS: CASEMATE_DOMAIN, CASEMATE_TLS_CERT_FILE, or a proxy in front, named in CASEMATE_TRUST_PROXY',
    );
  }
  if (values.httpsOnly && !values.secureCookies) {
    problems.push('SECURE_COOKIES=false contradicts HTTPS_ONLY=true; unset one of them');
  }
  if (values.tlsCertificateFiles.length !== values.tlsKeyFiles.length) {
    problems.push(
      'CASEMATE_TLS_CERT_FILE and CASEMATE_TLS_KEY_FILE belong together: name as many keys as certificates',
    );
  }
  if (values.httpPort !== null && !endsTls(values)) {
    problems.push('CASEMATE_HTTP_PORT needs TLS: set CASEMATE_DOMAIN or CASEMATE_TLS_CERT_FILE, or unset it');
  }
  if (values.httpPort === values.port) {
    problems.push('CASEMATE_HTTP_PORT and PORT are the same; plain HTTP and TLS need a port each');
  }
  if (values.dnsHook !== null && !usesAcme(values)) {
    problems.push('CASEMATE_DNS_HOOK is for ACME: set CASEMATE_DOMAIN, and no certificate files, or unset it');
  }
  if (endsTls(values) && values.frontendUrl?.startsWith('http://')) {
    problems.push('FRONTEND_URL must be https:// when TLS ends here');
  }
  return problems;
}

/** What production refuses: settings weaker than their defaults, and plain HTTP that leaves the machine. */
export function judgeProduction(values: SettingValues): string[] {
  const problems: string[] = [];
  for (const name of Object.keys(settings) as SettingName[]) {
    const row = settings[name] as Setting<unknown>;
    const weakness = row.weakness?.(values[name]);
    if (weakness) problems.push(`${row.variable} ${weakness}`);
  }
  const { rateLimitMaximum, rateLimitWindowMs } = values;
  const allowed = settings.rateLimitMaximum.default / settings.rateLimitWindowMs.default;
  if (rateLimitMaximum / rateLimitWindowMs > allowed) {
    problems.push('RATE_LIMIT_MAX_REQUESTS may not allow more than the default rate in production; lower or unset it');
  }
  if (!isLoopback(values.host)) {
    if (values.trustProxy.length === 0 && !endsTls(values)) {
      problems.push(
        `CASEMATE_HOST is ${values.host}, and plain HTTP may not leave this machine: listen on 127.0.0.1, ` +
          'name a certificate (CASEMATE_TLS_CERT_FILE) or CASEMATE_DOMAIN, ' +
          'or put a TLS proxy in front and name its address in CASEMATE_TRUST_PROXY',
      );
    }
    if (publicOrigin(values) === null) {
      problems.push('FRONTEND_URL must name the https:// origin of this server when it listens beyond loopback');
    }
  }
  return problems;
}
