import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusParser } from '#workspaces/git-status.ts';

const head = 'a'.repeat(40);
const parse = (text: string, piece = 7) => {
  const parser = new StatusParser();
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += piece) parser.push(bytes.subarray(at, at + piece));
  return parser.status();
};

test('branch, head, distance and changes are read, whatever names the files have', () => {
  const text = [
    `# branch.oid ${head}`,
    '# branch.head feature/größe',
    '# branch.upstream origin/x',
    '# branch.ab +2 -13',
    '1 .M N... 100644 100644 100644 a b src/a.ts',
    '2 R. N... 100644 100644 100644 a b R100 new name',
    '# branch.ab +9 -9',
    '? # branch.head fake\n? more',
    'u UU N... 1 2 3 4 a b c x',
  ];
  const status = parse(`${text.join('\0')}\0`);
  assert.deepEqual(status, { repository: true, branch: 'feature/größe', head, dirty: 4, ahead: 2, behind: 13 });
});

test('a repository without commits and a detached head have none of it', () => {
  const empty = parse('# branch.oid (initial)\0# branch.head main\0');
  assert.deepEqual(empty, { repository: true, branch: 'main', head: null, dirty: 0, ahead: null, behind: null });
  assert.equal(parse(`# branch.oid ${head}\0# branch.head (detached)\0`).branch, null);
});
