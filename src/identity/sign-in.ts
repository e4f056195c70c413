import type { Audit } from '#audit/audit.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Database } from '#database/database.ts';
import { listMemberships } from '#database/identity/team-store.ts';
import { findUserByEmail, setPasswordHash } from '#database/identity/user-store.ts';
import type { LoginLimits } from '#identity/login-limits.ts';
import type { SignInMethod } from '#identity/methods/method.ts';
import type { RequestOrigin } from '#identity/origin.ts';
import type { Sessions } from '#identity/sessions.ts';

export interface SignIn {
  /**
   * Proves who somebody is and starts a session. CasemateError `wrong_credentials` for an unknown
   * address and a wrong password alike, in the same time; `rate_limited`.
   */
  withPassword(
    proof: { readonly email: string; readonly password: string },
    origin: RequestOrigin,
  ): ReturnType<Sessions['start']>;
}

export function createSignIn(options: {
  readonly database: Pick<Database, 'withAuth'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly sessions: Pick<Sessions, 'start'>;
  readonly limits: LoginLimits;
  readonly password: SignInMethod;
}): SignIn {
  const { database, audit, sessions, limits, password } = options;
  return {
    async withPassword(proof, origin) {
      const attempt = await limits.begin(proof.email, origin.address);
      const user = await database.withAuth((tx) => findUserByEmail(tx, proof.email));
      const enabled = user !== undefined && user.disabledAt === null;
      const { proven, renewed } = await password.prove(enabled ? user.passwordHash : null, proof.password);
      if (!proven || !user) {
        // A stranger must not grow the trail at will: the first failures, then each doubling (H8).
        if (attempt.count <= 3 || Number.isInteger(Math.log2(attempt.count))) {
          await audit.record({
            event: 'session.refused',
            chain: 'instance',
            actor: { kind: 'stranger' },
            outcome: 'denied',
            requestId: origin.requestId,
            address: origin.address,
            fields: { reason: 'wrong credentials', email: proof.email, count: attempt.count },
          });
        }
        throw new CasemateError('wrong_credentials');
      }
      const [membership] = await database.withAuth((tx) => listMemberships(tx, user.id));
      if (!membership) throw new CasemateError('forbidden', 'This account belongs to no team');
      if (renewed !== null) await database.withAuth((tx) => setPasswordHash(tx, user.id, renewed));
      await attempt.succeeded();
      return sessions.start({ userId: user.id, teamId: membership.teamId, method: password.name }, origin);
    },
  };
}
