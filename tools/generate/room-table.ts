import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { rooms } from '../rooms/map.ts';
import type { Generator } from './generator.ts';

const begin = '<!-- rooms: generated from tools/rooms/map.ts -->';
const end = '<!-- end of rooms -->';

/** The table of rooms in ARCHITECTURE.md, between its markers. */
export const generate: Generator = ({ root }) => {
  const page = readFileSync(resolve(root, 'ARCHITECTURE.md'), 'utf8');
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error('ARCHITECTURE.md has lost the markers of its room table');
  const rows = Object.entries(rooms).map(([name, room]) => {
    const cells = [
      `\`${name}/\``,
      room.level === 'process' ? 'process' : String(room.level),
      room.purpose,
      room.imports.join(', ') || '—',
      [...room.packages, ...(room.dangerous ?? [])].join(', ') || '—',
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const table = ['| room | floor | what it is for | imports | packages |', '|---|---|---|---|---|', ...rows].join('\n');
  const content = `${page.slice(0, from)}${begin}\n${table}\n${page.slice(to)}`;
  return Promise.resolve([{ path: 'ARCHITECTURE.md', content }]);
};
