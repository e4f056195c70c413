import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import pg from 'pg';

/** Of the roles that the server logs in with: requests of a team, background jobs, sign-in. */
export interface LoginPasswords {
  readonly request: string;
  readonly jobs: string;
  readonly auth: string;
}

/** RFC 5803 form of a SCRAM-SHA-256 verifier, so that the password itself never reaches a statement or a log. */
export function scramVerifier(password: string, salt: Uint8Array = randomBytes(16), iterations = 4096): string {
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, 32, 'sha256');
  const mac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(mac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString('base64')}$${stored}:${mac('Server Key').toString('base64')}`;
}

/** Lets the three login roles in with these passwords (printable ASCII), as the owner. Run after `migrate`. */
export async function setLoginPasswords(ownerUrl: string, passwords: LoginPasswords): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 10_000 });
  // The query under way rejects as well.
  client.on('error', () => undefined);
  await client.connect();
  try {
    for (const [role, password] of [
      ['casemate_request', passwords.request],
      ['casemate_jobs', passwords.jobs],
      ['casemate_auth', passwords.auth],
    ] as const) {
      const verifier = client.escapeLiteral(scramVerifier(password));
      await client.query(`alter role ${role} login password ${verifier}`);
    }
  } finally {
    await client.end();
  }
}

/** The connection string of a login role: the owner's, with another user and password. */
export function loginUrl(ownerUrl: string, role: keyof LoginPasswords, password: string): string {
  const url = new URL(ownerUrl);
  url.username = `casemate_${role}`;
  url.password = password;
  return url.href;
}
