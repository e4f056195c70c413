import { randomFillSync } from 'node:crypto';
import { mintId } from '#base/ids.ts';

/** A new id from the operating system's randomness. */
export const randomId = <Id extends string>(): Id => mintId<Id>((bytes) => randomFillSync(bytes));
