import type { Import } from './imports.ts';
import { dangerousModules, neutralRooms, type Room, symbolRules, testPackages, webRooms } from './map.ts';

/** What a process beside the server may be made of: nothing that opens the database or the vault. */
const processRooms = ['base', 'contract', 'config', 'channel', 'journal', 'seal', 'kernel'];

const isTest = (file: string): boolean => /\.(test|suite)\.tsx?$/.test(file);

/** `@scope/name/path` → `@scope/name`. */
export function packageName(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}

/** Why `found`, in `file` (relative to the repository, `src/…`), may not be; null when it may. */
export function judgeRoomImport(rooms: Readonly<Record<string, Room>>, file: string, found: Import): string | null {
  const name = file.split('/')[1] ?? '';
  const room = rooms[name];
  if (!room) return `the room ${name} is not on the map (tools/rooms/map.ts)`;
  const specifier = found.specifier;
  if (specifier === null) return 'a computed import cannot be judged; name what is imported';

  for (const rule of symbolRules) {
    if (found.names.includes(rule.symbol) && !rule.rooms.includes(name)) {
      return `${rule.symbol} may be imported in ${rule.rooms.join(' and ')} only`;
    }
  }
  if (specifier.startsWith('.')) return `import by room (#${name}/…), not by a relative path: ${specifier}`;
  if (specifier.startsWith('#')) return judgeEdge(name, room, specifier);
  if (specifier.startsWith('node:')) {
    if (isTest(file)) return null;
    if (neutralRooms.includes(name)) return `${name} knows no platform; ${specifier} is Node's`;
    if (dangerousModules.includes(specifier) && !room.dangerous?.includes(specifier)) {
      return `${specifier} is legal in rooms that name it on the map only, and ${name} does not`;
    }
    return null;
  }
  const dependency = packageName(specifier);
  if (room.packages.includes(dependency) || (isTest(file) && testPackages.includes(dependency))) return null;
  return `the package ${dependency} is not one of the room ${name}`;
}

function judgeEdge(name: string, room: Room, specifier: string): string | null {
  const target = specifier.slice(1).split('/')[0] ?? '';
  if (!specifier.endsWith('.ts')) return `name the file with its ending: ${specifier}`;
  if (target === name || room.imports.includes(target)) return null;
  return `there is no edge ${name} → ${target}`;
}

/** The same for a file of `web/`, which sees its own folder, `base` and `contract`. */
export function judgeWebImport(found: Import): string | null {
  if (found.specifier === null) return 'a computed import cannot be judged; name what is imported';
  if (found.specifier.startsWith('node:')) return `${found.specifier} does not exist in a browser`;
  const match = /(?:^#|\/src\/)([a-z-]+)\//.exec(found.specifier);
  if (match?.[1] && !webRooms.includes(match[1]))
    return `web may import ${webRooms.join(' and ')} only, not ${match[1]}`;
  return null;
}

/** Faults of the map itself: edges that do not go down, and rooms that do not exist. */
export function judgeMap(rooms: Readonly<Record<string, Room>>): string[] {
  const faults: string[] = [];
  for (const [name, room] of Object.entries(rooms)) {
    for (const target of room.imports) {
      const below = rooms[target];
      if (!below) faults.push(`${name} imports ${target}, which is not on the map`);
      else if (room.level === 'process' && !processRooms.includes(target)) {
        faults.push(`${name} is another process and may not import ${target}`);
      } else if (typeof room.level === 'number' && typeof below.level === 'number' && below.level >= room.level) {
        faults.push(`the edge ${name} → ${target} does not go down`);
      } else if (below.level === 'process' && name !== 'main') {
        faults.push(`only main may import the process ${target}`);
      }
    }
  }
  return faults;
}
