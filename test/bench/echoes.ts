import { setTimeout as wait } from 'node:timers/promises';
import type { Shell } from './shell.ts';

/** Times from a typed letter to what the shell shows of it, in ms, `count` of them. Its prompt ends in `$ `. */
export async function echoes(shell: Shell, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    await wait(4);
    const started = performance.now();
    const shown = shell.next();
    shell.type('x');
    await shown;
    times.push(performance.now() - started);
    // A short line, so that the shell never wraps it.
    if (turn % 50 === 49) {
      const cleared = shell.until('$ ');
      shell.type('\u0003');
      await cleared;
      await wait(30);
    }
  }
  return times;
}
