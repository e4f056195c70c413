import type { Posture } from './read-posture.ts';
export const expectedProcesses: Readonly<Record<string, Posture>> = {};
