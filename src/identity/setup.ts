import type { TeamId, UserId } from '#base/ids.ts';
import type { Clock } from '#base/clock.ts';
import type { Audit } from '#audit/audit.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Database } from '#database/database.ts';
import { createSetupToken, isSetupTokenUsable, useSetupToken } from '#database/identity/setup-token-store.ts';
import { addMembership, createTeam } from '#database/identity/team-store.ts';
import { createUser, hasUsers } from '#database/identity/user-store.ts';
import { lockSetup } from '#database/identity/user-lock.ts';
import type { AuthTransaction } from '#database/transaction.ts';
import type { SignInMethod } from '#identity/methods/method.ts';
import type { RequestOrigin } from '#identity/origin.ts';
import { randomId } from '#identity/random-id.ts';
import type { Sessions } from '#identity/sessions.ts';
import { hashToken, mintToken, tokenPattern } from '#identity/token.ts';

const linkHours = 24;

interface NewOwner {
  readonly email: string;
  readonly name: string;
  readonly password: string;
}

export interface Setup {
  /** Whether nobody has an account yet. */
  isNeeded(): Promise<boolean>;
  /**
   * Path and fragment of the set-up link: a new one at the first call, which ends those of earlier
   * starts, and when the last has expired. A browser never sends the fragment. Null once there is an owner.
   */
  currentLink(): Promise<string | null>;
  /** Uses the link up, makes the owner with a personal team, and signs them in. CasemateError `setup_refused`, `weak_password`. */
  complete(token: string, owner: NewOwner, origin: RequestOrigin): ReturnType<Sessions['start']>;
  /** Makes the owner that the operator configured; false when there is one. */
  createConfiguredOwner(owner: NewOwner): Promise<boolean>;
  /** Called once, when the owner has been made. */
  onCompleted(listener: () => void): void;
}

export function createSetup(options: {
  readonly database: Pick<Database, 'withAuth'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly sessions: Pick<Sessions, 'start'>;
  readonly password: SignInMethod;
  readonly clock: Clock;
}): Setup {
  const { database, audit, sessions, password, clock } = options;
  const listeners: (() => void)[] = [];
  let current: { readonly path: string; readonly expiresAt: number } | undefined;

  const refuse = () =>
    new CasemateError('setup_refused', 'The set-up link was used, has expired or is not of this server');

  const createOwner = async (
    tx: AuthTransaction,
    owner: NewOwner,
    passwordHash: string,
  ): Promise<{ userId: UserId; teamId: TeamId }> => {
    const userId = randomId<UserId>();
    const teamId = randomId<TeamId>();
    await createUser(tx, { id: userId, email: owner.email, name: owner.name, passwordHash });
    await createTeam(tx, { id: teamId, name: owner.name, personal: true });
    await addMembership(tx, { teamId, userId, role: 'owner' });
    return { userId, teamId };
  };

  const completed = () => {
    current = undefined;
    for (const listener of listeners.splice(0)) listener();
  };

  return {
    isNeeded: async () => !(await database.withAuth((tx) => hasUsers(tx))),
    async currentLink() {
      const now = clock.now();
      if (current && now < current.expiresAt)
        return (await database.withAuth((tx) => hasUsers(tx))) ? null : current.path;
      const token = mintToken();
      const expiresAt = now + linkHours * 3_600_000;
      const minted = await database.withAuth(async (tx) => {
        await lockSetup(tx);
        if (await hasUsers(tx)) return false;
        await createSetupToken(tx, { hash: hashToken(token), now: new Date(now), expiresAt: new Date(expiresAt) });
        return true;
      });
      current = minted ? { path: `/setup#${token}`, expiresAt } : undefined;
      return current?.path ?? null;
    },
    async complete(token, owner, origin) {
      if (!tokenPattern.test(token)) throw refuse();
      const hash = hashToken(token);
      // Looked at before the costly hash, and used only when everything else is right.
      const usable = await database.withAuth((tx) => isSetupTokenUsable(tx, hash, new Date(clock.now())));
      if (!usable) throw refuse();
      const passwordHash = await password.enrol(owner, owner.password);
      const made = await database.withAuth(async (tx) => {
        await lockSetup(tx);
        if (await hasUsers(tx)) throw refuse();
        if (!(await useSetupToken(tx, hash, new Date(clock.now())))) throw refuse();
        return createOwner(tx, owner, passwordHash);
      });
      completed();
      await audit.record({
        event: 'setup.completed',
        chain: 'instance',
        actor: { kind: 'user', id: made.userId },
        outcome: 'success',
        requestId: origin.requestId,
        address: origin.address,
        fields: { email: owner.email },
      });
      return sessions.start({ ...made, method: password.name }, origin);
    },
    async createConfiguredOwner(owner) {
      if (await database.withAuth((tx) => hasUsers(tx))) return false;
      const passwordHash = await password.enrol(owner, owner.password);
      const made = await database.withAuth(async (tx) => {
        await lockSetup(tx);
        return (await hasUsers(tx)) ? null : createOwner(tx, owner, passwordHash);
      });
      if (!made) return false;
      completed();
      await audit.record({
        event: 'setup.completed',
        chain: 'instance',
        actor: { kind: 'operator' },
        outcome: 'success',
        requestId: null,
        address: null,
        fields: { email: owner.email },
      });
      return true;
    },
    onCompleted(listener) {
      listeners.push(listener);
    },
  };
}
