import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeOf } from '#main/confine/specifications.ts';
import { launcher, testConfinement } from '../support/confinement.ts';

/** Below a chroot the kernel refuses to pivot, and `/` is no mount: containers of old are made so. */
test('H4 the launcher confines below a chroot as well, and leaves the mounts of the host as they were', (t) => {
  if (process.getuid?.() !== 0) return t.skip('mounts need root');
  const directory = mkdtempSync('/tmp/casemate-chroot-');
  t.after(() => rmSync(directory, { recursive: true }));
  const probe = join(directory, 'probe.ts');
  writeFileSync(
    probe,
    `import { readdirSync } from 'node:fs';
    console.log(JSON.stringify({ uid: process.getuid?.(), parent: readdirSync('/..'), root: readdirSync('/') }));\n`,
  );
  const confinement = join(directory, 'confinement.json');
  const code = codeOf(join(import.meta.dirname, '../..'));
  writeFileSync(
    confinement,
    JSON.stringify(testConfinement([probe], { readable: [...code, probe], network: 'own', connects: [] })),
  );
  const root = join(directory, 'root');
  // Everything at the top but what the chroot has of its own; private mounts of a namespace that ends with the shell.
  const names = readdirSync('/', { withFileTypes: true });
  const lines = [
    `mkdir ${root} ${root}/proc`,
    ...names.flatMap((entry) => {
      const place = `${root}/${entry.name}`;
      if (entry.name === 'proc') return [];
      if (entry.isSymbolicLink()) return [`cp -a /${entry.name} ${place}`];
      return entry.isDirectory() ? [`mkdir ${place}`, `mount --bind /${entry.name} ${place}`] : [];
    }),
    `mount -t proc proc ${root}/proc`,
    `exec chroot ${root} ${process.execPath} ${launcher} ${confinement}`,
  ];
  const run = spawnSync('unshare', ['--mount', 'sh', '-ec', lines.join('\n')], { encoding: 'utf8', timeout: 30_000 });
  assert.equal(run.status, 0, run.stderr);
  const seen = JSON.parse(run.stdout);
  assert.equal(seen.uid, 65_534);
  assert.deepEqual(seen.parent, seen.root);
  for (const absent of ['bin', 'home', 'proc', 'root', 'sys']) {
    const needed = [process.execPath, ...code, probe].some((path) => path.startsWith(`/${absent}/`));
    assert.ok(needed || !seen.root.includes(absent), `/${absent} is there`);
  }
  assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(directory));
});
