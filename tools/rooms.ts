import { readdirSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { readImports } from './rooms/imports.ts';
import { judgeMap, judgeRoomImport, judgeWebImport } from './rooms/judge.ts';
import { rooms } from './rooms/map.ts';

/**
 * Checks every import of `src/` and `web/` against the map of rooms. Prints what it looked at, and
 * fails when that is suspiciously little: a gate that reads nothing passes everything.
 */
const root = resolve(import.meta.dirname, '..');
const fewestFiles = 20;

const sources = (folder: string): string[] =>
  readdirSync(resolve(root, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}/${path}`)
    .filter((path) => /\.tsx?$/.test(path) && !path.includes('/dist/') && !path.includes('node_modules'));

const faults = judgeMap(rooms).map((fault) => `tools/rooms/map.ts: ${fault}`);
let imports = 0;

for (const entry of readdirSync(resolve(root, 'src'))) {
  if (!statSync(resolve(root, 'src', entry)).isDirectory()) faults.push(`src/${entry}: files live in rooms`);
  else if (!rooms[entry]) faults.push(`src/${entry}: not on the map (tools/rooms/map.ts)`);
}
const roomFiles = sources('src');
const webFiles = statSync(resolve(root, 'web'), { throwIfNoEntry: false }) ? sources('web') : [];
for (const file of [...roomFiles, ...webFiles]) {
  for (const found of readImports(file, readFileSync(resolve(root, file), 'utf8'))) {
    imports += 1;
    const configuration = file === 'web/vite.config.ts';
    const fault = file.startsWith('src/')
      ? judgeRoomImport(rooms, file, found)
      : configuration || /\.test\.tsx?$/.test(file)
        ? null
        : judgeWebImport(found);
    if (fault) faults.push(`${file}:${found.line}: ${fault}`);
  }
}
if (roomFiles.length < fewestFiles) faults.push(`only ${roomFiles.length} files were found: this check saw nothing`);

for (const fault of faults) console.error(fault);
console.log(`${roomFiles.length + webFiles.length} files, ${imports} imports, ${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
