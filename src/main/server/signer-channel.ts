import { checkpointAnswerSchema } from '#contract/supervision.ts';
import type { SignHead } from '#audit/checkpoints.ts';

const patienceMs = 5000;

/** Asks the supervisor's signer, over the channel between the two processes. Null without a supervisor. */
export function connectSigner(): SignHead {
  let lastCall = 0;
  return (head) => {
    if (!process.send || !process.connected) return Promise.resolve(null);
    const call = ++lastCall;
    return new Promise((resolve) => {
      const finish = (answer: Awaited<ReturnType<SignHead>>): void => {
        clearTimeout(timer);
        process.off('message', hear);
        resolve(answer);
      };
      const hear = (message: unknown): void => {
        const parsed = checkpointAnswerSchema.safeParse(message);
        if (!parsed.success || parsed.data.call !== call) return;
        const { signed, refused } = parsed.data;
        if (signed) finish({ signed });
        else finish(refused === undefined ? null : { refused });
      };
      const timer = setTimeout(() => finish(null), patienceMs);
      process.on('message', hear);
      process.send?.({ type: 'checkpoint', call, head });
    });
  };
}
