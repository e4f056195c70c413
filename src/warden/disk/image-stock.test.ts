import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DiskSize } from '#warden/disk/disk-image.ts';
import { createImageStock } from '#warden/disk/image-stock.ts';

const quiet = (): void => {};
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const small: DiskSize = { diskMiB: 128, inodes: 8192 };

test('the stock of disks fills up for the sizes last asked for, and leaves nothing half made', async (t) => {
  const images = mkdtempSync('/tmp/casemate-stock-');
  t.after(() => rmSync(images, { recursive: true }));
  writeFileSync(`${images}/128-8192.ext4`, 'an original');
  writeFileSync(`${images}/128-8192.spare-3`, 'made before a power cut');
  writeFileSync(`${images}/128-8192.spare-4.new`, 'cut off');
  let made = 0;
  const makeImage = async (_: string, file: string): Promise<void> => {
    made += 1;
    writeFileSync(file, String(made));
  };
  const stock = createImageStock({ images, makeImage, requireRoom: async () => {}, log });
  const spares = (): string[] => readdirSync(images).filter((name) => name.includes('.spare-'));
  const filled = async (count: number): Promise<void> => {
    stock.refill();
    for (let waits = 0; spares().length !== count && waits < 100; waits += 1) await sleep(20);
    assert.equal(spares().length, count, spares().join());
    // Until the fill that made the last has ended, another refill would be that one.
    await sleep(30);
  };
  assert.deepEqual(spares(), []);

  await stock.make(`${images}/first`, small);
  assert.equal(made, 1, 'an empty stock made nothing');
  await filled(2);
  await stock.make(`${images}/second`, small);
  assert.equal(made, 3, 'a disk was made although there was a spare one');
  assert.equal(spares().length, 1);

  for (const diskMiB of [256, 512]) {
    await stock.make(`${images}/${diskMiB}`, { ...small, diskMiB });
    await filled(4);
  }
  assert.ok(!spares().some((name) => name.startsWith('128-')), 'a size nobody asks for any more is kept in stock');

  await stock[Symbol.asyncDispose]();
  assert.deepEqual(spares(), []);
});
