import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import pg from 'pg';

/** RFC 5803 form of a SCRAM-SHA-256 verifier, so that the password itself never reaches a statement or a log. */
export function scramVerifier(password: string, salt: Uint8Array = randomBytes(16), iterations = 4096): string {
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, 32, 'sha256');
  const mac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(mac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString('base64')}$${stored}:${mac('Server Key').toString('base64')}`;
}

/** Lets the two login roles in with these passwords (printable ASCII), as the owner. Run after `migrate`. */
export async function setLoginPasswords(
  ownerUrl: string,
  passwords: { readonly app: string; readonly auth: string },
): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 10_000 });
  // The query under way rejects as well.
  client.on('error', () => undefined);
  await client.connect();
  try {
    for (const [role, password] of [
      ['casemate_app', passwords.app],
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
export function loginUrl(ownerUrl: string, role: 'app' | 'auth', password: string): string {
  const url = new URL(ownerUrl);
  url.username = `casemate_${role}`;
  url.password = password;
  return url.href;
}
