import type { SandboxId, TeamId } from '#base/ids.ts';
import type { Channel } from '#channel/connect.ts';
import type { Exit, wardenMethods } from '#contract/warden.ts';

export interface Owned {
  readonly sandboxId: SandboxId;
  readonly teamId: TeamId;
}

export interface Execution {
  readonly user: 'user' | 'root';
  readonly program: readonly string[];
  readonly input?: string;
  readonly workingDirectory?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Gets standard output as it comes; without it, it is collected. */
  readonly onOutput?: (bytes: Buffer) => void;
}

export interface Executed extends Exit {
  readonly timedOut: boolean;
  readonly output: string;
}

const mostOutput = 1_048_576;

/** Runs a program in a sandbox through the warden, as the server would. */
export async function execute(
  warden: Channel<typeof wardenMethods>,
  owned: Owned,
  execution: Execution,
): Promise<Executed> {
  const { sandboxId, teamId } = owned;
  const call = warden.open(
    'exec.run',
    {
      sandboxId,
      teamId,
      arguments: [...execution.program],
      workingDirectory: { path: execution.workingDirectory ?? '/tmp' },
      environment: {},
      user: execution.user,
      timeoutMs: execution.timeoutMs ?? 60_000,
    },
    execution.signal ? { signal: execution.signal } : {},
  );
  const feed = async (): Promise<void> => {
    if (execution.input !== undefined) await call.send({ stream: 'stdin' }, Buffer.from(execution.input));
    call.end();
  };
  // A call that fails fails `done` too, which is awaited.
  feed().catch(() => undefined);
  const parts: Buffer[] = [];
  let room = mostOutput;
  const collect = async (): Promise<void> => {
    for await (const { payload } of call.items) {
      execution.onOutput?.(payload);
      parts.push(payload.subarray(0, room));
      room -= Math.min(room, payload.length);
    }
  };
  const [{ reply }] = await Promise.all([call.done, collect()]);
  return { ...reply, output: Buffer.concat(parts).toString() };
}
