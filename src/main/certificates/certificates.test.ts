import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { CertificatePair } from '#contract/server-supervision.ts';
import { acmeCertificates } from '#main/certificates/acme-certificates.ts';
import { fileCertificates } from '#main/certificates/certificates.ts';
import { makeDevelopment } from '#main/certificates/development.ts';
import { issueAuthority, issueServer } from '#main/certificates/issue.ts';
import { readPair } from '#main/certificates/read-pair.ts';
import { renewalPause, renewalTime } from '#main/certificates/renewal.ts';
import { pairStore } from '#main/certificates/store.ts';

const directory = mkdtempSync(join(tmpdir(), 'casemate-certificates-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const dayMs = 86_400_000;

const issue = (name = 'code.example.org', days = 30): Promise<CertificatePair> =>
  issueServer({ names: [name], days, authority: null });
function put(name: string, pair: CertificatePair): { certificate: string; key: string } {
  const files = { certificate: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) };
  writeFileSync(`${files.key}.new`, pair.key, { mode: 0o600 });
  renameSync(`${files.key}.new`, files.key);
  writeFileSync(`${files.certificate}.new`, pair.certificate);
  renameSync(`${files.certificate}.new`, files.certificate);
  return files;
}

test('a key that others may read is refused, and so is what does not belong together', async () => {
  const one = put('one', await issue());
  const two = put('two', await issue());
  assert.equal(readPair(one.certificate, one.key).certificate.length > 0, true);
  for (const mode of [0o604, 0o644, 0o620, 0o602, 0o660]) {
    chmodSync(one.key, mode);
    assert.throws(
      () => readPair(one.certificate, one.key),
      /others could read or change the private key/,
      mode.toString(8),
    );
  }
  chmodSync(one.key, 0o640);
  assert.ok(readPair(one.certificate, one.key), 'a group such as ssl-cert may read it');
  assert.throws(() => readPair(one.certificate, two.key), /does not belong to the certificate/);
  writeFileSync(two.certificate, (await issue()).certificate.slice(0, 200));
  assert.throws(() => readPair(two.certificate, two.key), /half written/);
  assert.throws(() => readPair(join(directory, 'none'), one.key), /ENOENT/);
  assert.throws(() => readPair(directory, one.key), /no file of PEM/);
  const ended = put('ended', await issueServer({ names: ['a.example.org'], days: -0.5 / 24, authority: null }));
  assert.throws(() => readPair(ended.certificate, ended.key), /ended on/);
  const authority = put('authority', await issueAuthority({ commonName: 'x', names: ['localhost'], days: 1 }));
  assert.throws(() => readPair(authority.certificate, authority.key), /begins with an authority/);
});

test('files are taken anew when both fit, however they are replaced, and never half', async () => {
  const files = put('live', await issue());
  const link = { certificate: join(directory, 'link.crt'), key: join(directory, 'link.key') };
  symlinkSync(files.certificate, link.certificate);
  symlinkSync(files.key, link.key);
  const replaced: (readonly CertificatePair[])[] = [];
  const said: string[] = [];
  using found = fileCertificates({
    files: [[link.certificate, link.key]],
    replaced: (pairs) => void replaced.push(pairs),
    changed: () => undefined,
    say: (text) => void said.push(text),
    watching: { settleMs: 30, everyMs: 10_000 },
  });
  const until = async (what: () => boolean): Promise<void> => {
    for (let turn = 0; !what(); turn += 1) {
      assert.ok(turn < 200, said.join('\n'));
      await wait(20);
    }
  };
  const fresh = await issue();
  writeFileSync(files.certificate, fresh.certificate);
  await until(() => said.length === 1);
  assert.match(said[0] ?? '', /the old ones are kept: the key in .* does not belong/);
  assert.equal(replaced.length, 0);
  assert.match(found.state[0]?.problem ?? '', /does not belong/);
  put('live', fresh);
  await until(() => replaced.length === 1);
  assert.equal(replaced[0]?.[0]?.certificate, fresh.certificate);
  assert.equal(found.state[0]?.problem, null);
  chmodSync(files.key, 0o644);
  await until(() => said.some((text) => text.includes('others could read')));
  assert.equal(found.pairs[0]?.certificate, fresh.certificate);
});

test('a certificate is renewed with a third of its life left, and failures wait longer and longer', async () => {
  const { certificate } = await issue('a.example.org', 90);
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  const life = validToDate.getTime() - validFromDate.getTime();
  assert.equal(renewalTime(certificate, 0), validToDate.getTime() - life / 3);
  assert.equal(renewalTime(certificate, 1), validToDate.getTime() - life / 3 - life / 30);
  const pauses = [1, 2, 3, 4, 20].map((failures) => renewalPause(failures, 0.5) / 60_000);
  assert.deepEqual(pauses, [5, 10, 20, 40, 720]);
});

test('an order that fails keeps what is served, says so, and is tried again', async () => {
  const clock = { time: Date.now(), now: () => clock.time };
  const said: string[] = [];
  const served: string[] = [];
  let order = async (): Promise<CertificatePair> => Promise.reject(new Error('the authority is away'));
  const options = {
    names: ['code.example.org'],
    store: pairStore(join(directory, 'acme'), 'acme'),
    order: () => order(),
    replaced: (pairs: readonly CertificatePair[]) => void served.push(...pairs.map(({ certificate }) => certificate)),
    changed: () => undefined,
    say: (text: string) => void said.push(text),
    clock,
    random: () => 0.5,
  };
  using certificates = await acmeCertificates(options);
  assert.match(certificates.state[0]?.problem ?? '', /temporary/);
  await certificates.look();
  assert.equal(certificates.state[0]?.problem, 'the authority is away');
  assert.match(said.at(-1) ?? '', /tried again in 5 minutes/);
  const tries = said.length;
  await certificates.look();
  assert.equal(said.length, tries, 'not before its time');
  assert.equal(served.length, 0);

  const first = await issue('code.example.org', 90);
  order = async () => first;
  clock.time += 5 * 60_000;
  await certificates.look();
  assert.deepEqual(served, [first.certificate]);
  assert.equal(certificates.state[0]?.problem, null);
  assert.equal(statSync(join(directory, 'acme/acme.pem')).mode & 0o777, 0o600);

  using again = await acmeCertificates(options);
  assert.equal(again.pairs[0]?.certificate, first.certificate, 'it is kept over a restart');
  order = async () => Promise.reject(new Error('too many certificates'));
  clock.time += 59 * dayMs;
  await again.look();
  assert.equal(again.state[0]?.problem, 'too many certificates');
  assert.equal(again.pairs[0]?.certificate, first.certificate, 'and after a failed renewal');
  const second = await issue('code.example.org', 180);
  order = async () => second;
  clock.time += dayMs;
  await again.look();
  assert.equal(again.pairs[0]?.certificate, second.certificate);
  order = async () => issue('evil.example.org', 90);
  clock.time += 150 * dayMs;
  await again.look();
  assert.match(again.state[0]?.problem ?? '', /other names/);
});

test('a development authority signs for the names it was made with, and for no other', async () => {
  const place = join(directory, 'development');
  const made = await makeDevelopment(place, ['dev.example.org'], false);
  assert.equal(statSync(made.files.key).mode & 0o777, 0o600);
  assert.equal(statSync(join(place, 'authority.pem')).mode & 0o777, 0o600);
  assert.deepEqual(made.names, [
    ...[
      'localhost',
      '*.localhost',
      'casemate.localhost',
      '*.casemate.localhost',
      'dev.example.org',
      '*.dev.example.org',
    ],
    ...['127.0.0.1', '::1'],
  ]);
  const { certificate } = readPair(made.files.certificate, made.files.key);
  assert.equal(
    new X509Certificate(certificate).checkHost('3000-x.dev.example.org'),
    '3000-x.dev.example.org'.replace('3000-x', '*'),
  );
  const again = await makeDevelopment(place, [], false);
  assert.equal(again.fingerprint, made.fingerprint, 'the authority stays');
  await assert.rejects(makeDevelopment(place, ['other.example.com'], false), /was not made for other\.example\.com/);
  await assert.rejects(makeDevelopment(place, ['evildev.example.org'], false), /--replace/);
  assert.notEqual((await makeDevelopment(place, ['other.example.com'], true)).fingerprint, made.fingerprint);
});
