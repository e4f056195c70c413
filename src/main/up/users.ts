import { runProgram } from '#main/prepare/program.ts';

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

const accounts = {
  server: 'casemate-server',
  broker: 'casemate-broker',
  keeper: 'casemate-keeper',
  pg: 'casemate-pg',
  acme: 'casemate-acme',
  hook: 'casemate-hook',
} as const;

export type Users = Readonly<Record<keyof typeof accounts, Identity>>;

async function identityOf(name: string): Promise<Identity | null> {
  const line = await runProgram('getent', ['passwd', name]).catch(() => '');
  const [, , uid, gid] = line.trim().split(':');
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : null;
}

/** The system users that the processes run as, made where they are missing. */
export async function ensureUsers(): Promise<Users> {
  const users: Partial<Record<keyof typeof accounts, Identity>> = {};
  for (const [role, name] of Object.entries(accounts) as [keyof typeof accounts, string][]) {
    let identity = await identityOf(name);
    if (!identity) {
      await runProgram('useradd', [
        '--system',
        '--user-group',
        '--no-create-home',
        '--home-dir=/nonexistent',
        '--shell=/usr/sbin/nologin',
        name,
      ]);
      identity = await identityOf(name);
    }
    if (!identity || identity.uid === 0) throw new Error(`the system user ${name} could not be made`);
    users[role] = identity;
  }
  return users as Users;
}
