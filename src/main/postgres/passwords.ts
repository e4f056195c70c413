import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export const passwordNames = ['superuser', 'owner', 'request', 'jobs', 'auth', 'context'] as const;
export type Passwords = Readonly<Record<(typeof passwordNames)[number], string>>;

/** Reads the roles' passwords, and the key of tenant proofs, from 0600 files in `directory` (0700), making those that are missing: 256 random bits each. */
export async function loadPasswords(directory: string): Promise<Passwords> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const passwords: Record<string, string> = {};
  for (const name of passwordNames) passwords[name] = await loadPassword(join(directory, `${name}.password`));
  return passwords as Passwords;
}

async function loadPassword(path: string): Promise<string> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(randomBytes(32).toString('hex'));
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const password = await readFile(path, 'utf8');
  if (!/^[0-9a-f]{64}$/.test(password)) throw new Error(`${path} does not hold a password that this program made`);
  return password;
}
