import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runningRelease } from '#main/running-code.ts';

const packageFile = join(runningRelease, 'package.json');

/** The release that this process runs from. */
export const version: string = (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version;
