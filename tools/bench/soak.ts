import { soak } from '../../test/bench/soak.ts';

/** `node tools/bench/soak.ts MINUTES`: exit code 1 when something grew. */
const minutes = Number(process.argv[2]);
if (!Number.isFinite(minutes) || minutes < 1) throw new Error('usage: ./casemate bench soak --minutes N');
process.exitCode = (await soak(minutes)) ? 0 : 1;
