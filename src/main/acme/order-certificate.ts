import acme from 'acme-client';
import type { Challenge, ToAcme } from '#contract/acme.ts';
import type { CertificatePair } from '#contract/server-supervision.ts';
import { requestThroughDoor } from '#main/acme/request-through-door.ts';

export interface Challenges {
  /** Resolves once the authority can see it. */
  place(challenge: Challenge): Promise<void>;
  remove(challenge: Challenge): Promise<void>;
}

/** Orders one certificate for all names, with a fresh key (ECDSA, P-256). Throws with what the authority says. */
export async function orderCertificate(
  order: Extract<ToAcme, { type: 'order' }>,
  challenges: Challenges,
): Promise<CertificatePair> {
  acme.axios.defaults.adapter = requestThroughDoor(order.socket);
  const client = new acme.Client({
    directoryUrl: order.directory,
    accountKey: order.accountKey,
    backoffAttempts: 20,
    backoffMin: 1000,
    backoffMax: 15_000,
  });
  // Known accounts are looked up, because the client would send the others' agreement as an empty update. Where
  // there is none yet, `auto` makes it; and it meets again whatever else went wrong.
  await client.createAccount({ onlyReturnExisting: true }).catch(() => undefined);
  const key = await acme.crypto.createPrivateEcdsaKey('P-256');
  const [, request] = await acme.crypto.createCsr({ altNames: [...order.names] }, key);
  const challengeOf = (name: string, token: string, answer: string): Challenge =>
    order.kind === 'http-01'
      ? { kind: 'http-01', token, answer }
      : { kind: 'dns-01', name: `_acme-challenge.${name}`, value: answer };
  const certificate = await client.auto({
    csr: request,
    termsOfServiceAgreed: true,
    challengePriority: [order.kind],
    // Its own look at the challenge would need a network; the authority looks anyhow.
    skipChallengeVerification: true,
    challengeCreateFn: async ({ identifier }, { type, token }, answer) => {
      if (type !== order.kind) throw new Error(`the authority offers no ${order.kind} for ${identifier.value}`);
      await challenges.place(challengeOf(identifier.value, token, answer));
    },
    challengeRemoveFn: ({ identifier }, { token }, answer) =>
      challenges.remove(challengeOf(identifier.value, token, answer)),
  });
  return { certificate, key: key.toString() };
}
