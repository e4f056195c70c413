import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { openSpool, type Spool } from '#keeper/spool.ts';

const put = (spool: Spool, bytes: Buffer): void => {
  const { fd, position } = spool.target();
  assert.equal(writeSync(fd, bytes, 0, bytes.length, position), bytes.length);
  spool.grew(bytes.length);
};
const temporary = (): string => mkdtempSync(path.join(os.tmpdir(), 'casemate-spool-'));

test('what is put in any pieces is read back at any offset, also after reopening', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200_000 }), { maxLength: 8 }), fc.nat(), fc.nat(), (sizes, a, b) => {
      const directory = temporary();
      let spool = openSpool(directory);
      const all: Buffer[] = [];
      for (const [index, size] of sizes.entries()) {
        const bytes = Buffer.alloc(size, index + 1);
        put(spool, bytes);
        all.push(bytes);
        if (index % 3 === 2) {
          spool.close();
          spool = openSpool(directory);
        }
      }
      const whole = Buffer.concat(all);
      assert.equal(spool.end, whole.length);
      const from = a % (whole.length + 1);
      const length = b % (whole.length - from + 10);
      assert.ok(spool.read(from, length).equals(whole.subarray(from, from + length)));
      spool.close();
      rmSync(directory, { recursive: true });
    }),
    { numRuns: 40 },
  );
});

test('trimming frees whole segments, keeps offsets absolute and never the newest, unless room is needed', () => {
  const directory = temporary();
  const spool = openSpool(directory);
  for (let part = 0; part < 10; part += 1) put(spool, Buffer.alloc(100_000, part + 1));
  const { end } = spool;
  spool.trim(350_000);
  assert.ok(spool.start > 0 && spool.start <= 350_000);
  assert.equal(spool.read(400_000, 1)[0], 5);
  spool.trim(end);
  assert.ok(spool.start < end);
  spool.trimHard(end);
  assert.deepEqual([spool.start, spool.end], [end, end]);
  spool.close();
  const again = openSpool(directory);
  assert.deepEqual([again.start, again.end, readdirSync(directory).length], [end, end, 1]);
  put(again, Buffer.from('after'));
  assert.equal(again.read(end, 9).toString(), 'after');
  again.close();
  rmSync(directory, { recursive: true });
});
