import assert from 'node:assert/strict';
import { test } from 'node:test';
import { casemate, lacking, temporaryInstance } from '../support/instance.ts';

const skip = lacking() ?? false;

for (const [environment, named] of [
  [{ CASEMATE_PROT: '1' }, /CASEMATE_PROT is not a setting/],
  [{ TENANT_GITHUB_USERNAME: 'octocat' }, /TENANT_GITHUB_USERNAME: sign-in with GitHub is not there yet/],
  [{ JWT_SECRET: 'too-short' }, /JWT_SECRET must have at least 32/],
  [{ CSRF_PROTECTION: 'false' }, /CSRF_PROTECTION: the defence cannot be turned off/],
  [{ CASEMATE_HOST: '0.0.0.0' }, /plain HTTP may not leave this machine/],
  [{ NODE_ENV: 'production', SECURE_COOKIES: 'false' }, /SECURE_COOKIES may not be false/],
] as const) {
  test(`up with ${Object.keys(environment).join(' and ')} is refused by name, with exit code 4`, { skip }, async () => {
    await using instance = await temporaryInstance();
    const { code, output } = await casemate(['up', ...instance.flags], environment);
    assert.equal(code, 4, output);
    assert.match(output, named);
  });
}

test('an unknown flag and an unknown command are wrong command lines', { skip }, async () => {
  assert.equal((await casemate(['up', '--prot', '1'])).code, 2);
  assert.equal((await casemate(['upp'])).code, 2);
});

test('every command explains itself', { skip }, async () => {
  for (const name of ['up', 'status', 'logs', 'down', 'restart', 'doctor', 'config', 'test', 'check']) {
    const { code, output } = await casemate([name, '--help']);
    assert.equal(code, 0, `${name}: ${output}`);
    assert.match(output, new RegExp(`./casemate ${name}`));
  }
});

test('config set seals what it reads, and ls never shows it', { skip }, async () => {
  await using instance = await temporaryInstance();
  const { readFileSync } = await import('node:fs');
  const secret = 'k9Qm2vXz7LpR4tYw8BnC1sDf6GhJ3aEu';
  const set = await casemate(['config', 'set', 'JWT_SECRET', '--data', instance.data], {}, `${secret}\n`);
  assert.equal(set.code, 0, set.output);
  assert.ok(!readFileSync(`${instance.data}/config/sealed.json`, 'utf8').includes(secret));
  const { output } = await casemate(['config', 'ls', '--data', instance.data]);
  assert.match(output, /JWT_SECRET\s+\(secret\)\s+sealed/);
  assert.ok(!output.includes(secret));
});
