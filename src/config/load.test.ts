import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '#config/config.ts';
import { type ConfigInputs, loadConfig } from '#config/load.ts';

const inputs = (given: Partial<ConfigInputs> = {}): ConfigInputs => ({
  flags: {},
  environment: {},
  file: null,
  sealed: {},
  readSecret: () => {
    throw new Error('ENOENT');
  },
  ...given,
});
const strong = 'n3Yq8vWzL1xT5sRk0pBd7uJm2aGh6eCf';

const problemsOf = (given: Partial<ConfigInputs>): string => {
  try {
    loadConfig(inputs(given));
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.join('\n');
  }
  return '';
};

test('a machine without any setting gets the defaults, frozen', () => {
  const config = loadConfig(inputs());
  assert.equal(config.port, 3014);
  assert.equal(config.production, false);
  assert.ok(Object.isFrozen(config));
  assert.equal(config.sources.port, 'default');
});

test('flag beats environment beats sealed beats file beats default', () => {
  const file = { path: '/d/casemate.json', content: { port: 1, jwtSecret: strong } };
  assert.equal(loadConfig(inputs({ file })).port, 1);
  assert.equal(loadConfig(inputs({ file, environment: { PORT: '2' } })).port, 2);
  assert.equal(loadConfig(inputs({ file, environment: { PORT: '2' }, flags: { port: '3' } })).port, 3);
  assert.equal(loadConfig(inputs({ file, sealed: { jwtSecret: `${strong}x` } })).jwtSecret, `${strong}x`);
});

test('a secret may come from a file', () => {
  const config = loadConfig(
    inputs({ environment: { JWT_SECRET_FILE: '/run/secret' }, readSecret: () => `${strong}\n` }),
  );
  assert.equal(config.jwtSecret, strong);
  assert.match(problemsOf({ environment: { JWT_SECRET_FILE: '/none' } }), /JWT_SECRET_FILE cannot be read/);
  assert.match(
    problemsOf({ environment: { JWT_SECRET_FILE: '/x', JWT_SECRET: strong } }),
    /JWT_SECRET and JWT_SECRET_FILE are both set/,
  );
});

for (const [environment, expected] of [
  [{ CASEMATE_PROT: '1' }, /CASEMATE_PROT is not a setting/],
  [{ CASEMATE_PORT: '1' }, /CASEMATE_PORT is not a setting/],
  [{ PORT: '0' }, /PORT must be a whole number/],
  [{ PORT: '3014x' }, /PORT must be a whole number/],
  [{ PORT: '' }, /PORT must be a whole number/],
  [{ MAINTENANCE_MODE: 'maybe' }, /MAINTENANCE_MODE must be true or false/],
  [{ ALLOWED_ORIGINS: '*' }, /ALLOWED_ORIGINS must be an origin/],
  [{ ALLOWED_ORIGINS: 'https://a.example/path' }, /ALLOWED_ORIGINS must be an origin/],
  [{ CASEMATE_HOST: 'example.org' }, /CASEMATE_HOST must be an IP address/],
  [{ CASEMATE_TRUST_PROXY: '10.0.0.0/99' }, /CASEMATE_TRUST_PROXY must be/],
  [{ CASEMATE_TRUST_PROXY: '0.0.0.0/0' }, /CASEMATE_TRUST_PROXY must be/],
  [{ CASEMATE_PRIVATE_DESTINATIONS: 'git.local' }, /CASEMATE_PRIVATE_DESTINATIONS must be host:port/],
  [{ CASEMATE_DATA: 'relative' }, /CASEMATE_DATA must be an absolute path/],
  [{ CASEMATE_DATA: '/a/../b' }, /CASEMATE_DATA must be an absolute path/],
  [{ JWT_SECRET: 'short' }, /JWT_SECRET must have at least 32/],
  [{ JWT_SECRET: 'your-super-secret-jwt-key-change-this' }, /JWT_SECRET looks like a sample/],
  [{ JWT_SECRET: 'a'.repeat(40) }, /JWT_SECRET looks like a sample/],
  [{ DATABASE_URL: 'mysql://x' }, /DATABASE_URL must be a postgresql/],
  [{ TENANT_GITHUB_USERNAME: 'octocat' }, /TENANT_GITHUB_USERNAME: sign-in with GitHub is not there/],
  [{ GITHUB_CLIENT_ID: 'x' }, /GITHUB_CLIENT_ID/],
  [{ GITHUB_CLIENT_SECRET_FILE: '/x' }, /GITHUB_CLIENT_SECRET/],
  [{ WORKSPACE_ROOT: '/w' }, /WORKSPACE_ROOT: .*CASEMATE_DATA/],
  [{ CSRF_PROTECTION: 'false' }, /CSRF_PROTECTION: the defence cannot be turned off/],
  [{ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, /NODE_TLS_REJECT_UNAUTHORIZED=0/],
  [{ CASEMATE_OWNER_EMAIL: 'a@b.example' }, /CASEMATE_OWNER_EMAIL and CASEMATE_OWNER_PASSWORD_FILE/],
  [{ HTTPS_ONLY: 'true' }, /HTTPS_ONLY=true needs FRONTEND_URL/],
] as const) {
  test(`${Object.keys(environment).join()}=${Object.values(environment).join().slice(0, 12)} stops the start and is named`, () => {
    assert.match(problemsOf({ environment }), expected);
  });
}

for (const [environment, expected] of [
  [{ SECURE_COOKIES: 'false' }, /SECURE_COOKIES may not be false/],
  [{ SESSION_TIMEOUT_MINUTES: '600' }, /SESSION_TIMEOUT_MINUTES may be at most 60/],
  [{ MAX_CONCURRENT_SESSIONS: '30' }, /MAX_CONCURRENT_SESSIONS may be at most 3/],
  [{ RATE_LIMIT_MAX_REQUESTS: '100000' }, /RATE_LIMIT_MAX_REQUESTS may not allow more/],
  [{ RATE_LIMIT_WINDOW_MS: '1000' }, /RATE_LIMIT_MAX_REQUESTS may not allow more/],
  [{ ALLOWED_ORIGINS: 'http://a.example' }, /ALLOWED_ORIGINS may hold https/],
  [{ FRONTEND_URL: 'http://a.example' }, /FRONTEND_URL must be https/],
  [{ DATABASE_URL: 'postgresql://u:p@db.example/x' }, /DATABASE_URL must carry sslmode=verify-full/],
] as const) {
  test(`production refuses ${Object.keys(environment).join()}=${Object.values(environment).join()}, development does not`, () => {
    assert.match(problemsOf({ environment: { ...environment, NODE_ENV: 'production' } }), expected);
    assert.equal(problemsOf({ environment }), '');
  });
}

test('plain HTTP may not leave the machine', () => {
  assert.match(problemsOf({ flags: { host: '0.0.0.0' } }), /plain HTTP may not leave this machine/);
  const config = loadConfig(
    inputs({
      environment: {
        CASEMATE_HOST: '::',
        CASEMATE_TRUST_PROXY: '10.0.0.1',
        FRONTEND_URL: 'https://code.example.org',
      },
    }),
  );
  assert.equal(config.production, true);
});

test('tightening is allowed in production', () => {
  const environment = { NODE_ENV: 'production', SESSION_TIMEOUT_MINUTES: '5', RATE_LIMIT_MAX_REQUESTS: '10' };
  assert.equal(loadConfig(inputs({ environment })).sessionIdleMinutes, 5);
});

test('an unknown key of the file stops the start and is named', () => {
  const file = { path: '/d/casemate.json', content: { prot: 1 } };
  assert.match(problemsOf({ file }), /prot, which is not a setting/);
  assert.match(problemsOf({ file: { path: '/d/casemate.json', content: [] } }), /one JSON object/);
  assert.match(problemsOf({ file: { path: '/d/casemate.json', content: { port: {} } } }), /port in \/d/);
});

test('every problem is told at once, and no message holds a value', () => {
  const text = problemsOf({ environment: { PORT: 'hunter2', JWT_SECRET: 'hunter3', CASEMATE_X: 'hunter4' } });
  assert.match(text, /PORT/);
  assert.match(text, /JWT_SECRET/);
  assert.match(text, /CASEMATE_X/);
  assert.doesNotMatch(text, /hunter/);
});
