import { resolve } from 'node:path';
import type { Confinement } from '#config/confinement.ts';
import { codeOf } from '#main/confine/specifications.ts';

const release = resolve(import.meta.dirname, '../..');
const unprivileged = 65_534;

export const launcher = resolve(release, 'src/main/confine.ts');

/** The confinement of a broker for a program of the tests, whose arguments but the first are files that it reads. */
export function testConfinement(program: readonly string[], changes: Partial<Confinement> = {}): Confinement {
  return {
    youngMiB: 4,
    program: [...program],
    uid: unprivileged,
    gid: unprivileged,
    environment: {},
    deathSignal: 'SIGKILL',
    network: 'host',
    readable: [...codeOf(release), ...program.slice(1)],
    writable: [],
    resolvesNames: true,
    startsHolders: false,
    connects: 'any',
    ...changes,
  };
}
