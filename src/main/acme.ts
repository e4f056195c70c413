import { type FromAcme, toAcmeSchema } from '#contract/acme.ts';
import { denyExecve } from '#kernel/seccomp.ts';
import { orderCertificate } from '#main/acme/order-certificate.ts';

/**
 * The process that speaks ACME: `node src/main/acme.ts`, a child of `up` for the length of one order,
 * with a user of its own, an empty network namespace and no power to start programs.
 */
denyExecve();

const waiting = new Map<number, PromiseWithResolvers<void>>();
let lastId = 0;

const tell = (message: FromAcme): Promise<void> =>
  new Promise((resolve) => {
    if (process.send) process.send(message, undefined, {}, () => resolve());
    else resolve();
  });

const ask = (type: 'place' | 'remove'): Parameters<typeof orderCertificate>[1]['place'] => {
  return async (challenge) => {
    lastId += 1;
    const answered = Promise.withResolvers<void>();
    waiting.set(lastId, answered);
    await tell({ type, id: lastId, challenge });
    await answered.promise;
  };
};

process.on('message', (message) => {
  const told = toAcmeSchema.parse(message);
  if (told.type === 'done') {
    const answered = waiting.get(told.id);
    waiting.delete(told.id);
    if (told.problem === null) answered?.resolve();
    else answered?.reject(new Error(told.problem));
    return;
  }
  orderCertificate(told, { place: ask('place'), remove: ask('remove') })
    .then(
      (pair) => tell({ type: 'certificate', ...pair }),
      (error: unknown) => tell({ type: 'failed', problem: plain(error) }),
    )
    .finally(() => process.exit(0))
    .catch(() => process.exit(1));
});
process.on('disconnect', () => process.exit(1));

/** A sentence of the authority's, as one printable line. */
function plain(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 500);
}
