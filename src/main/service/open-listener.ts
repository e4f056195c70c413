import { Server } from 'node:net';
import { z } from 'zod';
import { launchUnit } from '#main/service/launch-unit.ts';
import type { UnitOptions } from '#main/service/hardening.ts';

const messageSchema = z.strictObject({ problem: z.string().nullable() });

/** Opens a listening socket by a unit that has the host's network and nothing else. Rejects with why not. */
export async function openListener(of: {
  readonly unit: string;
  readonly options: UnitOptions;
  readonly command: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** Descriptor of a log. */
  readonly log: number;
}): Promise<Server> {
  const opened = Promise.withResolvers<Server>();
  const child = launchUnit({ ...of, cwd: '/' });
  child.on('message', (message, handle) => {
    const parsed = messageSchema.safeParse(message);
    if (handle instanceof Server) {
      // Node accepts on what it is sent; see openSocket.
      handle.on('connection', (early) => early.destroy());
      opened.resolve(handle);
    } else opened.reject(new Error(parsed.data?.problem ?? 'the unit of the listener sent no socket'));
  });
  child.once('error', opened.reject);
  child.once('exit', (code, signal) =>
    opened.reject(new Error(`the unit of the listener ended with ${signal ?? code}; see \`./casemate logs listener\``)),
  );
  return opened.promise;
}
