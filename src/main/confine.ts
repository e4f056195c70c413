import { readFileSync } from 'node:fs';
import { confinementSchema } from '#config/confinement.ts';
import { enterConfinement } from '#main/confine/enter.ts';
import { sealPrograms } from '#main/confine/seal.ts';

/**
 * The launcher of the confined processes, run as root: `confine.ts FILE` builds what the file describes around
 * itself and becomes the program named there; `confine.ts seal PID` takes from a process that has started every
 * program but a holder's.
 */
const [first, second] = process.argv.slice(2);
if (first === 'seal' && second !== undefined) sealPrograms(Number(second));
else if (first !== undefined && second === undefined) {
  enterConfinement(confinementSchema.parse(JSON.parse(readFileSync(first, 'utf8'))));
} else throw new Error('usage: node src/main/confine.ts FILE | seal PID');
