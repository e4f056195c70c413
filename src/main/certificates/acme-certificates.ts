import type { Clock } from '#base/clock.ts';
import type { CertificatePair } from '#contract/server-supervision.ts';
import { type Certificates, describePair } from '#main/certificates/certificates.ts';
import { issueServer } from '#main/certificates/issue.ts';
import { renewalPause, renewalTime, serves } from '#main/certificates/renewal.ts';
import type { PairStore } from '#main/certificates/store.ts';

export interface AcmeCertificatesOptions {
  readonly names: readonly string[];
  readonly store: PairStore;
  /** Orders a certificate; rejects with what went wrong. */
  readonly order: () => Promise<CertificatePair>;
  readonly replaced: (pairs: readonly CertificatePair[]) => void;
  readonly changed: () => void;
  readonly say: (text: string) => void;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random?: () => number;
}

export interface AcmeCertificates extends Certificates {
  /** Begins to order and renew; everything that an order needs is there. */
  begin(): void;
  /** Orders now if it is time; resolves when that is done, whatever its end. */
  look(): Promise<void>;
}

const lookEveryMs = 60_000;
const temporaryDays = 7;
const noneYet = 'no certificate from the authority yet; a temporary one is served, which browsers do not trust';

/**
 * Certificates by ACME. Until the first is there a temporary one stands in, so that the port answers;
 * what fails later changes nothing of what is served, and is said and shown.
 */
export async function acmeCertificates(options: AcmeCertificatesOptions): Promise<AcmeCertificates> {
  const { names, store, replaced, changed, say, clock, random = Math.random } = options;
  const kept = store.load();
  const usable = kept !== null && serves(kept.certificate, names, clock.now()) ? kept : null;
  let pair = usable ?? (await issueServer({ names, days: temporaryDays, authority: null }));
  let dueMs = usable ? renewalTime(usable.certificate, random()) : clock.now();
  let problem: string | null = usable ? null : noneYet;
  let failures = 0;
  let ordering: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const attempt = async (): Promise<void> => {
    say(`asking for a certificate for ${names.join(', ')}`);
    try {
      const fresh = await options.order();
      if (!serves(fresh.certificate, names, clock.now())) throw new Error('the authority sent one for other names');
      store.save(fresh);
      pair = fresh;
      failures = 0;
      problem = null;
      dueMs = renewalTime(fresh.certificate, random());
      replaced([pair]);
      say(
        `the certificate for ${names.join(', ')} is there; it ends on ${new Date(describePair(pair, null).endsMs).toISOString()}`,
      );
    } catch (error) {
      failures += 1;
      const pauseMs = renewalPause(failures, random());
      dueMs = clock.now() + pauseMs;
      problem = error instanceof Error ? error.message : String(error);
      say(
        `no new certificate for ${names.join(', ')}: ${problem}. ` +
          `What is served is kept; tried again in ${Math.ceil(pauseMs / 60_000)} minutes`,
      );
    }
    changed();
  };
  const look = (): Promise<void> => {
    if (clock.now() >= dueMs) {
      ordering ??= attempt().finally(() => {
        ordering = undefined;
      });
    }
    return ordering ?? Promise.resolve();
  };
  const lookSaying = (): void => {
    look().catch((error: unknown) => say(`the certificate could not be looked after: ${String(error)}`));
  };

  return {
    get pairs() {
      return [pair];
    },
    get state() {
      return [describePair(pair, problem)];
    },
    look,
    begin() {
      timer = setInterval(lookSaying, lookEveryMs);
      timer.unref();
      lookSaying();
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
