import { mkdirSync } from 'node:fs';
import type { CheckpointAnswer, FromChild } from '#contract/supervision.ts';
import { openSigner, type Signer } from '#main/signer/signer.ts';
import { createAlarm } from '#main/up/alerts.ts';
import type { DataPaths } from '#main/up/paths.ts';

/** The supervisor's part in the evidence: it signs heads of the audit trail, and hears alerts. */
export interface Evidence extends Disposable {
  /** What a child said; `answer` reaches it. Other messages are ignored. */
  hear(message: FromChild, answer: (message: CheckpointAnswer) => void): void;
}

/** Alerts and signatures of one minute; what comes above that is not heard. */
const heardInAMinute = 3000;

export function openEvidence(paths: DataPaths, say: (text: string) => void): Evidence {
  const alarm = createAlarm(paths, say);
  mkdirSync(paths.signer, { recursive: true, mode: 0o700 });
  let signer: Signer | undefined;
  try {
    signer = openSigner({ directory: paths.signer, now: Date.now, alarm });
  } catch (error) {
    // The audit goes on without signatures, and everybody who looks is told.
    alarm(`the signer of the audit trail cannot start: ${error instanceof Error ? error.message : String(error)}`);
  }
  let minute = 0;
  let heard = 0;
  const mayBeHeard = (): boolean => {
    const now = Math.floor(performance.now() / 60_000);
    if (now !== minute) heard = 0;
    minute = now;
    heard += 1;
    return heard <= heardInAMinute;
  };
  return {
    hear(message, answer) {
      if ((message.type !== 'alert' && message.type !== 'checkpoint') || !mayBeHeard()) return;
      if (message.type === 'alert') alarm(message.text);
      else answer({ type: 'checkpoint', call: message.call, ...signer?.sign(message.head) });
    },
    [Symbol.dispose]: () => signer?.[Symbol.dispose](),
  };
}
