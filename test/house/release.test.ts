import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOfRelease } from '../../src/main/up/release.ts';

const skip = process.getuid?.() === 0 ? false : 'files of other owners need root';

function release() {
  const directory = mkdtempSync('/tmp/casemate-release-');
  mkdirSync(join(directory, 'src'));
  writeFileSync(join(directory, 'src/a.ts'), 'export {};\n', { mode: 0o644 });
  return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
}

test('H17 a release is known by its contents', { skip }, () => {
  using one = release();
  using two = release();
  assert.equal(digestOfRelease(one.directory), digestOfRelease(two.directory));
  writeFileSync(join(two.directory, 'src/a.ts'), 'export { };\n');
  assert.notEqual(digestOfRelease(one.directory), digestOfRelease(two.directory));
});

test('H17 a release that others than root can change is refused', { skip }, () => {
  using one = release();
  const file = join(one.directory, 'src/a.ts');
  chmodSync(file, 0o664);
  assert.throws(() => digestOfRelease(one.directory), /can be changed by others than root/);
  chmodSync(file, 0o644);
  chownSync(file, 65_534, 65_534);
  assert.throws(() => digestOfRelease(one.directory), /can be changed by others than root/);
});

test('H17 a symbolic link in a release is refused', { skip }, () => {
  using one = release();
  symlinkSync('/etc/shadow', join(one.directory, 'src/b.ts'));
  assert.throws(() => digestOfRelease(one.directory), /can be changed|neither a file nor a directory/);
});
