import { Server } from 'node:net';
import type { Log } from '#channel/log.ts';
import { checkpointAnswerSchema } from '#contract/supervision.ts';
import { type CertificatePair, type ListenerName, toServerSchema } from '#contract/server-supervision.ts';

/** `up`, as the server sees it. Certificates, and ports that only root can open, come from there. */
export interface Supervisor {
  /** Waits for the first. */
  certificates(): Promise<readonly CertificatePair[]>;
  /** Hears of each later change; what it throws is logged, and the old certificates stay. */
  onCertificates(listener: (pairs: readonly CertificatePair[]) => void): void;
  challengeAnswer(token: string): string | undefined;
  /** A listening socket. One request for a name at a time. Rejects with what `up` says of why not. */
  listener(name: ListenerName, narrow: boolean): Promise<Server>;
}

/** Must be made before the event loop turns, so that no message is missed. */
export function createSupervisor(channel: Pick<NodeJS.Process, 'on' | 'send'>, log: Log): Supervisor {
  const first = Promise.withResolvers<readonly CertificatePair[]>();
  const listeners: ((pairs: readonly CertificatePair[]) => void)[] = [];
  const challenges = new Map<string, string>();
  const wanted = new Map<ListenerName, PromiseWithResolvers<Server>>();
  let latest: readonly CertificatePair[] | undefined;

  channel.on('message', (message: unknown, handle: unknown) => {
    // The signer's answers are for who asked (signer-channel.ts).
    if (checkpointAnswerSchema.safeParse(message).success) return;
    const parsed = toServerSchema.safeParse(message);
    if (!parsed.success) {
      // The issues would tell values, and a private key may be among them.
      log.error({}, 'the supervisor sent a message that is not known');
      if (handle instanceof Server) handle.close();
      return;
    }
    const told = parsed.data;
    if (told.type === 'challenge') {
      if (told.answer === null) challenges.delete(told.token);
      else challenges.set(told.token, told.answer);
    } else if (told.type === 'certificates') {
      latest = told.pairs;
      first.resolve(told.pairs);
      for (const listener of listeners) tell(listener, told.pairs);
    } else {
      const waiting = wanted.get(told.name);
      wanted.delete(told.name);
      if (waiting && handle instanceof Server) waiting.resolve(handle);
      else {
        if (handle instanceof Server) handle.close();
        waiting?.reject(new Error(told.problem ?? 'the supervisor sent no socket'));
      }
    }
  });

  const tell = (listener: (pairs: readonly CertificatePair[]) => void, pairs: readonly CertificatePair[]): void => {
    try {
      listener(pairs);
    } catch (error) {
      log.error({ err: error }, 'the new certificates cannot be used; the old ones stay');
    }
  };

  return {
    certificates: () => first.promise.then((pairs) => latest ?? pairs),
    onCertificates: (listener) => void listeners.push(listener),
    challengeAnswer: (token) => challenges.get(token),
    listener(name, narrow) {
      const waiting = Promise.withResolvers<Server>();
      if (wanted.has(name) || !channel.send) throw new Error(`the listener ${name} cannot be asked for`);
      wanted.set(name, waiting);
      channel.send({ type: 'listen', name, narrow });
      return waiting.promise;
    },
  };
}
