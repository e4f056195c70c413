import { Worker } from 'node:worker_threads';
import type { StrengthReply, StrengthRequest } from '#identity/methods/strength-worker.ts';

/** Several passwords in a row are judged by one thread; a server sees a new one now and then. */
const keptMs = 5000;

interface Estimator {
  readonly worker: Worker;
  readonly waiting: Map<number, { resolve(reply: StrengthReply): void; reject(error: Error): void }>;
  end?: NodeJS.Timeout;
}

let serial = 0;
let estimator: Estimator | undefined;

/**
 * Judges a password on a thread of its own, which is ended when it has nothing to do: its dictionaries
 * take 40 MB and a quarter of a second to index, and an estimate may compute for long.
 */
export function estimateStrength(password: string, inputs: readonly string[]): Promise<StrengthReply> {
  estimator ??= startEstimator();
  const { worker, waiting, end } = estimator;
  clearTimeout(end);
  serial += 1;
  const request: StrengthRequest = { serial, password, inputs };
  worker.ref();
  return new Promise((resolve, reject) => {
    waiting.set(request.serial, { resolve, reject });
    worker.postMessage(request);
  });
}

function startEstimator(): Estimator {
  const worker = new Worker(new URL('./strength-worker.ts', import.meta.url), { env: {}, execArgv: [] });
  const started: Estimator = { worker, waiting: new Map() };
  const fail = (error: Error): void => {
    if (estimator === started) estimator = undefined;
    for (const { reject } of started.waiting.values()) reject(error);
    started.waiting.clear();
  };
  worker.on('error', fail);
  worker.on('exit', () => fail(new Error('the thread that judges passwords ended')));
  worker.on('message', (reply: StrengthReply) => {
    started.waiting.get(reply.serial)?.resolve(reply);
    started.waiting.delete(reply.serial);
    if (started.waiting.size > 0) return;
    worker.unref();
    started.end = setTimeout(() => {
      estimator = undefined;
      void worker.terminate();
    }, keptMs).unref();
  });
  return started;
}
