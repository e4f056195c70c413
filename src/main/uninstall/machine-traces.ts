import { existsSync } from 'node:fs';
import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { runProgram } from '#main/prepare/program.ts';

/** Of the processes, and of what builds pages and packages. */
const accounts = [
  'casemate-server',
  'casemate-broker',
  'casemate-keeper',
  'casemate-pg',
  'casemate-acme',
  'casemate-hook',
  'casemate-build',
] as const;

/** The cache may be any directory that somebody named: only what Casemate makes in it is removed. */
const cacheParts = ['build', 'clusters', 'lock', 'modules', 'node', 'npm', 'releases', 'templates', 'web'] as const;

const reapAttempts = 20;

/** Removes what instances of this machine share. Answers with what could not be removed, and why. */
export async function removeShared(cache: string | null): Promise<string[]> {
  const kept: string[] = [];
  for (const account of accounts) {
    const known = await runProgram('getent', ['passwd', account]).catch(() => '');
    if (known === '') continue;
    const problem = await removeUser(account);
    if (problem !== null) kept.push(`the user ${account}: ${problem}`);
  }
  if (cache === null || !existsSync(cache)) return kept;
  for (const part of cacheParts) await rm(join(cache, part), { recursive: true, force: true });
  const others = await readdir(cache);
  if (others.length === 0) await rmdir(cache);
  else kept.push(`${cache}, which holds what is not ours: ${others.slice(0, 5).join(', ')}`);
  return kept;
}

/** userdel refuses while a process of that user is there, and what was killed is until init has reaped it. */
async function removeUser(account: string): Promise<string | null> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await runProgram('userdel', [account]);
      return null;
    } catch (error) {
      if (attempt === reapAttempts) return error instanceof Error ? error.message : String(error);
      await wait(250);
    }
  }
}
