import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { vectorsDirectory } from '../support/vectors.ts';

const absent = 'no shared/vectors beside the repository, and CASEMATE_SHARED does not name one';
const hex = z.string().transform((text) => Buffer.from(text, 'hex'));
const result = z.enum(['valid', 'invalid', 'acceptable']);

const aesGcm = z.object({
  testGroups: z.array(
    z.object({
      ivSize: z.number(),
      keySize: z.number(),
      tagSize: z.number(),
      tests: z.array(z.object({ tcId: z.number(), key: hex, iv: hex, aad: hex, msg: hex, ct: hex, tag: hex, result })),
    }),
  ),
});

test('AES-GCM as the vault uses it agrees with every Wycheproof case of its sizes', async (t) => {
  const directory = vectorsDirectory();
  if (!directory) return t.skip(absent);
  const { testGroups } = aesGcm.parse(JSON.parse(await readFile(join(directory, 'aes_gcm_test.json'), 'utf8')));
  let looked = 0;
  for (const group of testGroups) {
    if (group.keySize !== 256 || group.ivSize !== 96 || group.tagSize !== 128) continue;
    for (const one of group.tests) {
      looked++;
      const decipher = createDecipheriv('aes-256-gcm', one.key, one.iv, { authTagLength: 16 });
      decipher.setAAD(one.aad);
      decipher.setAuthTag(one.tag);
      const opened = decipher.update(one.ct);
      if (one.result === 'invalid') {
        assert.throws(() => decipher.final(), `case ${one.tcId}`);
        continue;
      }
      decipher.final();
      assert.deepEqual(opened, one.msg, `case ${one.tcId}`);
      const cipher = createCipheriv('aes-256-gcm', one.key, one.iv, { authTagLength: 16 });
      cipher.setAAD(one.aad);
      assert.deepEqual(Buffer.concat([cipher.update(one.msg), cipher.final()]), one.ct, `case ${one.tcId}`);
      assert.deepEqual(cipher.getAuthTag(), one.tag, `case ${one.tcId}`);
    }
  }
  t.diagnostic(`${looked} cases`);
  assert.ok(looked > 50);
});

const hkdf = z.object({
  testGroups: z.array(
    z.object({
      tests: z.array(
        z.object({ tcId: z.number(), ikm: hex, salt: hex, info: hex, size: z.number(), okm: hex, result }),
      ),
    }),
  ),
});

test('HKDF-SHA256 agrees with every Wycheproof case', async (t) => {
  const directory = vectorsDirectory();
  if (!directory) return t.skip(absent);
  const { testGroups } = hkdf.parse(JSON.parse(await readFile(join(directory, 'hkdf_sha256_test.json'), 'utf8')));
  let looked = 0;
  for (const one of testGroups.flatMap((group) => group.tests)) {
    looked++;
    const derive = () => Buffer.from(hkdfSync('sha256', one.ikm, one.salt, one.info, one.size));
    if (one.result === 'invalid') assert.throws(derive, `case ${one.tcId}`);
    else assert.deepEqual(derive(), one.okm, `case ${one.tcId}`);
  }
  t.diagnostic(`${looked} cases`);
  assert.ok(looked > 50);
});
