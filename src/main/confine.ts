import { readFileSync } from 'node:fs';

/**
 * The launcher of the confined processes, run as root: `confine.ts FILE` builds what the file describes around
 * itself and becomes the program named there; `confine.ts seal PID` takes from a process that has started every
 * program but a holder's.
 */
const [first, second] = process.argv.slice(2);
if (first === 'seal' && second !== undefined) {
  const { sealPrograms } = await import('#main/confine/seal.ts');
  sealPrograms(Number(second));
} else if (first !== undefined && second === undefined) {
  const { parseConfinement } = await import('#config/confinement.ts');
  const { enterConfinement } = await import('#main/confine/enter.ts');
  enterConfinement(parseConfinement(readFileSync(first, 'utf8')));
} else throw new Error('usage: node src/main/confine.ts FILE | seal PID');
