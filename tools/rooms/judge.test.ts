import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readImports } from './imports.ts';
import { judgeMap, judgeRoomImport, judgeWebImport } from './judge.ts';
import { rooms } from './map.ts';

const faultOf = (file: string, source: string): string | null => {
  const [found] = readImports(file, source);
  assert.ok(found, 'the import was not seen');
  return judgeRoomImport(rooms, file, found);
};

test('the map itself goes down only', () => {
  assert.deepEqual(judgeMap(rooms), []);
  const upward = { ...rooms, base: { level: 0, purpose: '', imports: ['contract'], packages: [] } };
  assert.match(judgeMap(upward).join(), /base → contract does not go down/);
  const sideways = { ...rooms, seal: { level: 2, purpose: '', imports: ['vault'], packages: [] } };
  assert.match(judgeMap(sideways).join(), /seal → vault does not go down/);
  const nosy = { ...rooms, broker: { level: 'process' as const, purpose: '', imports: ['database'], packages: [] } };
  assert.match(judgeMap(nosy).join(), /broker may import|broker is another process/i);
  assert.match(
    judgeMap({ a: { level: 1, purpose: '', imports: ['ghost'], packages: [] } }).join(),
    /ghost, which is not on the map/,
  );
});

for (const [what, source] of Object.entries({
  upward: `import { x } from '#http/server.ts';`,
  'type-only': `import type { X } from '#http/server.ts';`,
  're-exported': `export { x } from '#http/server.ts';`,
  'star re-exported': `export * from '#http/server.ts';`,
  dynamic: `await import('#http/server.ts');`,
  'import type expression': `type X = import('#http/server.ts').X;`,
  'floor-skipping': `import { x } from '#database/pool.ts';`,
  relative: `import { x } from '../database/pool.ts';`,
  computed: `await import(name);`,
  'built-in by process': `process.getBuiltinModule('child_process');`,
  package: `import pg from 'pg';`,
  'program-starting': `import { spawn } from 'node:child_process';`,
})) {
  test(`a ${what} import in the room workspaces is refused`, () => {
    const file = what === 'floor-skipping' ? 'src/http/a.ts' : 'src/workspaces/a.ts';
    assert.notEqual(faultOf(file, source), null);
  });
}

test('edges on the map, own files and named packages are allowed', () => {
  assert.equal(faultOf('src/workspaces/a.ts', `import { x } from '#sandboxes/a.ts';`), null);
  assert.equal(faultOf('src/workspaces/a.ts', `import { x } from '#workspaces/b.ts';`), null);
  assert.equal(faultOf('src/database/a.ts', `import pg from 'pg';`), null);
  assert.equal(faultOf('src/warden/a.ts', `import { spawn } from 'node:child_process';`), null);
  assert.equal(faultOf('src/contract/a.test.ts', `import { test } from 'node:test';`), null);
});

test('the neutral rooms import nothing of Node', () => {
  assert.match(faultOf('src/contract/a.ts', `import fs from 'node:fs';`) ?? '', /no platform/);
});

test('a folder that is not on the map is refused', () => {
  assert.match(faultOf('src/utils/a.ts', `import fs from 'node:fs';`) ?? '', /not on the map/);
});

test('only access mints a tenant scope', () => {
  const source = `import { mintTenantScope } from '#database/scope.ts';`;
  assert.equal(faultOf('src/access/a.ts', source), null);
  assert.match(faultOf('src/identity/a.ts', source) ?? '', /mintTenantScope/);
});

test('web sees base and contract only', () => {
  const judge = (specifier: string): string | null => judgeWebImport({ specifier, names: [], line: 1 });
  assert.equal(judge('#contract/api.ts'), null);
  assert.equal(judge('react'), null);
  assert.notEqual(judge('#database/pool.ts'), null);
  assert.notEqual(judge('../../src/vault/seal.ts'), null);
  assert.notEqual(judge('node:fs'), null);
});
