import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { CasemateError } from '#contract/errors.ts';
import { duplicate } from '#kernel/duplicate.ts';
import { connectOutcome, type LoopbackFamily } from '#kernel/socket.ts';
import type { NamespaceReply, NamespaceRequest } from '#warden/network/namespace-worker.ts';

/** Makes sockets that live in a sandbox's network namespace, which a pinned descriptor names (H2). */
export interface NamespaceSockets extends AsyncDisposable {
  /** A socket that listens at 127.0.0.1:`port` inside; nobody accepts yet. Throws `conflict` when the port is taken. */
  listen(namespaceFd: number, port: number): Promise<number>;
  /** Connects to the loopback inside, IPv4 first. Throws `unavailable` when nothing listens, `timed_out` after five seconds. */
  dial(namespaceFd: number, port: number, signal: AbortSignal): Promise<Socket>;
}

type Act = NamespaceRequest extends infer Request ? (Request extends unknown ? Omit<Request, 'serial'> : never) : never;

const dialPatienceMs = 5000;

/** Starts the Worker. Its death without being asked is told to `onFailure`: the process must stop. */
export function createNamespaceSockets(onFailure: (error: Error) => void): NamespaceSockets {
  const worker = new Worker(new URL('./namespace-worker.ts', import.meta.url), { env: {}, trackUnmanagedFds: false });
  const waiting = new Map<number, (reply: NamespaceReply) => void>();
  let serial = 0;
  let closing = false;
  worker.on('message', (reply: NamespaceReply) => {
    waiting.get(reply.serial)?.(reply);
    waiting.delete(reply.serial);
  });
  worker.on('error', onFailure);
  const ended = new Promise<void>((resolve) => void worker.once('exit', () => resolve()));
  worker.on('exit', () => {
    if (!closing) onFailure(new Error('the network namespace worker ended'));
  });

  const ask = (act: Act): Promise<NamespaceReply> => {
    serial += 1;
    const request = { ...act, serial } as NamespaceRequest;
    return new Promise((resolve) => {
      waiting.set(request.serial, resolve);
      worker.postMessage(request);
    });
  };

  const dialFamily = async (namespaceFd: number, port: number, family: LoopbackFamily, signal: AbortSignal) => {
    const reply = await ask({ act: 'dial', namespaceFd, port, family });
    if ('code' in reply) return { outcome: reply.code };
    let outcome: number | 'pending';
    const deadline = Date.now() + dialPatienceMs;
    for (let pause = 1; ; pause = Math.min(pause * 2, 100)) {
      outcome = connectOutcome(reply.fd);
      if (outcome !== 'pending' || Date.now() > deadline || signal.aborted) break;
      await sleep(pause);
    }
    if (outcome === 0) return { outcome, socket: new Socket({ fd: reply.fd, allowHalfOpen: true }) };
    closeSync(reply.fd);
    return { outcome };
  };

  return {
    async listen(namespaceFd, port) {
      const reply = await ask({ act: 'listen', namespaceFd, port });
      if ('fd' in reply) return reply.fd;
      if (reply.code === 'EADDRINUSE') throw new CasemateError('conflict', 'The port is taken inside the sandbox.');
      throw new CasemateError('sandbox_failed', 'No socket could be made in the sandbox.', {
        detail: { reason: reply.code },
      });
    },
    async dial(namespaceFd, port, signal) {
      // The sandbox may end meanwhile, and the number of its descriptor pass to another sandbox's.
      const held = duplicate(namespaceFd);
      try {
        for (const family of ['ipv4', 'ipv6'] as const) {
          const { outcome, socket } = await dialFamily(held, port, family, signal);
          if (socket) return socket;
          if (signal.aborted) throw new CasemateError('cancelled');
          if (outcome === 'pending') throw new CasemateError('timed_out', 'The port in the sandbox did not answer.');
        }
        throw new CasemateError('unavailable', 'Nothing listens on that port in the sandbox.');
      } finally {
        closeSync(held);
      }
    },
    async [Symbol.asyncDispose]() {
      closing = true;
      // Ended while it still loads what it calls the kernel with, the thread would abort the whole process.
      await Promise.race([ask({ act: 'listen', namespaceFd: -1, port: 0 }), ended]);
      await worker.terminate();
    },
  };
}
