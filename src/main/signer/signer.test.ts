import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { checkpointText } from '#contract/checkpoint.ts';
import { anchorFiles, parseAnchors } from '#main/signer/anchors.ts';
import { openSigner } from '#main/signer/signer.ts';

const chain = 'instance';
const hash = (digit: string): string => digit.repeat(64);

function place(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'casemate-signer-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const alarms: string[] = [];
  let nowMs = Date.UTC(2026, 10, 30, 23, 59);
  return {
    directory,
    alarms,
    pass: (ms: number) => (nowMs += ms),
    open: () => openSigner({ directory, now: () => nowMs, alarm: (text) => alarms.push(text) }),
  };
}

test('H8 the signer refuses a head that does not grow, also after it was started again', (t) => {
  const { open, alarms } = place(t);
  {
    using signer = open();
    assert.ok(signer.sign({ chain, sequence: 5, hash: hash('5') }).signed);
    assert.match(String(signer.sign({ chain, sequence: 4, hash: hash('4') }).refused), /before one that was signed/);
    assert.match(String(signer.sign({ chain, sequence: 5, hash: hash('6') }).refused), /another one was signed/);
    assert.equal(alarms.length, 2);
    const again = signer.sign({ chain, sequence: 5, hash: hash('5') }).signed;
    assert.ok(again, 'the same head has the same answer');
  }
  // Killed: nothing but the anchors is left of what it did last.
  const killed = open();
  assert.ok(killed.sign({ chain, sequence: 9, hash: hash('9') }).signed);
  using signer = open();
  assert.ok(signer.sign({ chain, sequence: 8, hash: hash('8') }).refused);
  assert.ok(signer.sign({ chain, sequence: 10, hash: hash('a') }).signed);
  assert.ok(signer.sign({ chain: 'a'.repeat(20), sequence: 1, hash: hash('1') }).signed, 'chains are apart');
});

test('H8 a signature is over the canonical text, under a key that only root reads', (t) => {
  const { directory, open } = place(t);
  using signer = open();
  const signed = signer.sign({ chain, sequence: 1, hash: hash('b') }).signed;
  assert.ok(signed);
  assert.equal(statSync(join(directory, 'key.pem')).mode & 0o777, 0o600);
  const key = createPublicKey(readFileSync(join(directory, `${signed.keyId}.pub.pem`)));
  const good = (text: string): boolean => verify(null, Buffer.from(text), key, Buffer.from(signed.signature, 'base64'));
  assert.ok(good(checkpointText(signed)));
  for (const change of [
    { sequence: 2 },
    { chain: 'a'.repeat(20) },
    { hash: hash('c') },
    { time: signed.time.replace('3', '1') },
  ]) {
    assert.ok(!good(checkpointText({ ...signed, ...change })), JSON.stringify(change));
  }
  assert.equal(
    checkpointText(signed),
    `casemate audit checkpoint v1\nkey ${signed.keyId}\nchain instance\nsequence 1\nhash ${hash('b')}\ntime ${signed.time}\n`,
  );
});

test('H8 every checkpoint is in the files of its month; a torn line is cut, a cut file stops the signer', (t) => {
  const { directory, pass, open } = place(t);
  {
    using signer = open();
    signer.sign({ chain, sequence: 1, hash: hash('1') });
    pass(120_000);
    signer.sign({ chain, sequence: 2, hash: hash('2') });
  }
  assert.deepEqual(anchorFiles(directory), ['anchors-2026-11.jsonl', 'anchors-2026-12.jsonl']);
  const newest = join(directory, 'anchors-2026-12.jsonl');
  appendFileSync(newest, '{"chain":"instance","seq');
  {
    using signer = open();
    assert.ok(signer.sign({ chain, sequence: 1, hash: hash('1') }).refused);
    assert.ok(signer.sign({ chain, sequence: 3, hash: hash('3') }).signed);
  }
  assert.deepEqual(
    parseAnchors(readFileSync(newest, 'utf8')).map(({ sequence }) => sequence),
    [2, 3],
  );
  truncateSync(newest, 100);
  assert.throws(open, /missing or was cut/);
});

test('H8 after a rotation of the key what the old one signed still binds', (t) => {
  const { directory, open } = place(t);
  let old = '';
  {
    using signer = open();
    old = signer.sign({ chain, sequence: 7, hash: hash('7') }).signed?.keyId ?? '';
  }
  renameSync(join(directory, 'key.pem'), join(directory, 'key.old'));
  using signer = open();
  assert.ok(signer.sign({ chain, sequence: 6, hash: hash('6') }).refused);
  const fresh = signer.sign({ chain, sequence: 8, hash: hash('8') }).signed;
  assert.ok(fresh && fresh.keyId !== old);
  assert.ok(statSync(join(directory, `${old}.pub.pem`)).isFile());
});
