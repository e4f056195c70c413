import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Config, ConfigError } from '#config/config.ts';
import { loadConfig } from '#config/load.ts';
import { certificateNames, endsTls, publicOrigin, usesAcme } from '#config/tls.ts';

const load = (environment: Record<string, string>): Config =>
  loadConfig({ flags: {}, environment, file: null, sealed: {}, readSecret: () => '' });
const problems = (environment: Record<string, string>): string => {
  try {
    load(environment);
    return '';
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.join('\n');
  }
};
const files = { CASEMATE_TLS_CERT_FILE: '/a.crt', CASEMATE_TLS_KEY_FILE: '/a.key' };

test('H12 NODE_TLS_REJECT_UNAUTHORIZED=0 stops the start, with everything else in order', () => {
  assert.match(
    problems({ CASEMATE_DOMAIN: 'code.example.org', NODE_TLS_REJECT_UNAUTHORIZED: '0' }),
    /^NODE_TLS_REJECT_UNAUTHORIZED=0 turns TLS into theatre; unset it, and name your CA in CASEMATE_CA_FILE$/,
  );
  assert.equal(problems({ CASEMATE_DOMAIN: 'code.example.org', NODE_TLS_REJECT_UNAUTHORIZED: '1' }), '');
});

test('a domain alone makes a public server with certificates by ACME', () => {
  const config = load({ CASEMATE_DOMAIN: 'Code.Example.org' });
  assert.deepEqual(
    [config.domain, config.host, config.port, config.httpPort, config.production],
    ['code.example.org', '::', 443, 80, true],
  );
  assert.ok(usesAcme(config) && endsTls(config));
  assert.equal(publicOrigin(config), 'https://code.example.org');
  assert.deepEqual(certificateNames('code.example.org', true), ['code.example.org', '*.code.example.org']);
  const elsewhere = load({ CASEMATE_DOMAIN: 'code.example.org', PORT: '8443', CASEMATE_HOST: '127.0.0.1' });
  assert.deepEqual([elsewhere.port, elsewhere.host, elsewhere.production], [8443, '127.0.0.1', false]);
  assert.equal(publicOrigin(elsewhere), 'https://code.example.org:8443');
});

test('a domain behind a proxy, or with certificate files, asks no authority', () => {
  const behind = load({ CASEMATE_DOMAIN: 'code.example.org', CASEMATE_TRUST_PROXY: '10.0.0.1' });
  assert.deepEqual([endsTls(behind), behind.host, behind.port, behind.httpPort], [false, '127.0.0.1', 3014, null]);
  assert.equal(publicOrigin(behind), 'https://code.example.org');
  const own = load({ CASEMATE_DOMAIN: 'code.example.org', ...files });
  assert.deepEqual([usesAcme(own), endsTls(own), own.port], [false, true, 443]);
});

test('what leaves this machine is TLS here, or in a proxy that is named', () => {
  assert.match(problems({ CASEMATE_HOST: '0.0.0.0' }), /plain HTTP may not leave this machine/);
  assert.match(problems({ CASEMATE_HOST: '0.0.0.0', ...files }), /FRONTEND_URL must name the https/);
  assert.equal(problems({ CASEMATE_HOST: '0.0.0.0', FRONTEND_URL: 'https://code.example.org', ...files }), '');
  assert.equal(problems({ HTTPS_ONLY: 'true', CASEMATE_DOMAIN: 'code.example.org' }), '');
  assert.match(problems({ HTTPS_ONLY: 'true', FRONTEND_URL: 'https://code.example.org' }), /needs TLS/);
});

for (const [environment, expected] of [
  [{ CASEMATE_TLS_CERT_FILE: '/a.crt' }, /belong together/],
  [{ ...files, CASEMATE_TLS_KEY_FILE: '/a.key,/b.key' }, /as many keys as certificates/],
  [{ CASEMATE_HTTP_PORT: '80' }, /CASEMATE_HTTP_PORT needs TLS/],
  [{ ...files, PORT: '8443', CASEMATE_HTTP_PORT: '8443' }, /are the same/],
  [{ ...files, CASEMATE_DNS_HOOK: '/hook' }, /CASEMATE_DNS_HOOK is for ACME/],
  [{ ...files, FRONTEND_URL: 'http://localhost:3000' }, /must be https:\/\/ when TLS ends here/],
  [{ CASEMATE_DOMAIN: '*.example.org' }, /CASEMATE_DOMAIN must be a name/],
  [{ CASEMATE_DOMAIN: 'localhost' }, /CASEMATE_DOMAIN must be a name/],
  [{ CASEMATE_DOMAIN: '10.0.0.1' }, /CASEMATE_DOMAIN must be a name/],
  [{ CASEMATE_DOMAIN: 'a.example.org:443' }, /CASEMATE_DOMAIN must be a name/],
  [{ CASEMATE_DOMAIN: '-a.example.org' }, /CASEMATE_DOMAIN must be a name/],
  [{ CASEMATE_ACME_DIRECTORY: 'http://ca.example/dir' }, /must be an https:\/\/ URL/],
  [{ CASEMATE_ACME_DIRECTORY: 'https://u:p@ca.example/dir' }, /without credentials/],
] as const) {
  test(`${JSON.stringify(environment)} stops the start`, () => assert.match(problems(environment), expected));
}
