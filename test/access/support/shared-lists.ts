import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const candidates = [process.env['CASEMATE_SHARED'], join(import.meta.dirname, '../../../../shared')];
const directory = candidates.find((path) => path !== undefined && existsSync(join(path, 'lists')));

/** Strings that break things, from public lists; null where the lists are not on this machine. */
export function sharedLists(): readonly string[] | null {
  if (directory === undefined) return null;
  const read = (name: string) => readFileSync(join(directory, 'lists', name), 'utf8');
  const lines = [
    'fuzzdb-control-chars-terminal-escape-codes.txt',
    'fuzzdb-unicode-naughty-unicode.txt',
    'fuzzdb-xss-XSSPolyglot.txt',
    'patt-crlf.txt',
    'patt-sqli-postgres.txt',
    'patt-traversal-basic.txt',
  ].flatMap((name) => read(name).split('\n'));
  return [...new Set([...(JSON.parse(read('blns.json')) as string[]), ...lines])].filter((text) => text !== '');
}

/** Values of our own that every field is tried with. */
export const awkwardValues: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  2 ** 53,
  [],
  {},
  [[]],
  { $ne: null },
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  '\udc00x',
  '\u202e',
  '\ufeff',
  'x'.repeat(10_000),
  '../../etc/passwd',
  '%00',
  '-rf',
  '__proto__',
  'constructor',
  "'; drop table users; --",
  '\r\nSet-Cookie: a=b',
  '\u001b]0;x\u0007',
  '9'.repeat(400),
  'null',
  'undefined',
  '1e999',
  '\uffff',
];
