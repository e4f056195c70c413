import type { SandboxId } from '#base/ids.ts';
import { CasemateError } from '#contract/errors.ts';
import type { RunningSandbox, SandboxContext } from '#sandboxes/sandbox-context.ts';

export interface IdleWatch {
  /** Something used the sandbox now. */
  touch(sandboxId: SandboxId): void;
  /** One look at all that run. */
  look(): Promise<void>;
}

export interface IdleOptions {
  readonly context: SandboxContext;
  readonly idleMs: number;
  /** Whether somebody or something still needs the sandbox, processes aside. */
  readonly needed: (sandbox: RunningSandbox) => Promise<boolean>;
  readonly stop: (sandbox: RunningSandbox) => Promise<void>;
}

/** Idle means that nothing runs: no process but pid 1, no terminal, nobody looking, for `idleMs`. */
export function createIdleWatch({ context, idleMs, needed, stop }: IdleOptions): IdleWatch {
  const lastUse = new Map<SandboxId, number>();
  const { clock, log, running, warden } = context;

  const isUsed = async (sandbox: RunningSandbox): Promise<boolean> => {
    if (await needed(sandbox)) return true;
    const { reply } = await warden.call('sandbox.usage', { sandboxId: sandbox.sandboxId, teamId: sandbox.teamId });
    return reply.processes > 0;
  };

  return {
    touch: (sandboxId) => void lastUse.set(sandboxId, clock.now()),
    async look() {
      for (const sandboxId of lastUse.keys()) if (!running.has(sandboxId)) lastUse.delete(sandboxId);
      for (const sandbox of [...running.values()]) {
        try {
          const since = lastUse.get(sandbox.sandboxId);
          if (since === undefined || (await isUsed(sandbox))) lastUse.set(sandbox.sandboxId, clock.now());
          else if (clock.now() - since >= idleMs) await stop(sandbox);
        } catch (error) {
          const expected = error instanceof CasemateError && ['unavailable', 'not_found'].includes(error.code);
          log[expected ? 'debug' : 'error'](
            { err: error, sandboxId: sandbox.sandboxId },
            'could not look for idleness',
          );
        }
      }
    },
  };
}
