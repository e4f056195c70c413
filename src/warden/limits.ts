import type { TeamId } from '#base/ids.ts';
import type { Handlers } from '#channel/serve.ts';
import type { WardenConfig } from '#config/process.ts';
import { CasemateError } from '#contract/errors.ts';
import type { wardenMethods } from '#contract/warden.ts';

type Methods = typeof wardenMethods;
type Kind = 'programs' | 'fileActs' | 'ports';

/** What counts how. A method that is not here is over at once, or makes safer. */
const kinds: { readonly [Name in keyof Methods]?: Kind } = {
  'exec.run': 'programs',
  'terminal.start': 'programs',
  'file.list': 'fileActs',
  'file.stat': 'fileActs',
  'file.read': 'fileActs',
  'file.write': 'fileActs',
  'file.makeDirectory': 'fileActs',
  'file.rename': 'fileActs',
  'file.remove': 'fileActs',
  'port.dial': 'ports',
};

/** Calls at once of methods that belong to no team. Each holds a reply of a mebibyte, or a queue. */
const listeners: { readonly [Name in keyof Methods]?: number } = { events: 8, 'journal.read': 4 };

export interface LimitOptions {
  readonly limits: WardenConfig['limits'];
  /** Terminals of a team, or of all, that run: their call was over when they began. */
  readonly terminals: (teamId?: TeamId) => number;
}

/**
 * The same handlers, held to the maxima of the warden's own configuration (H5): whatever the server
 * asks for, one team leaves room for the others, and all together for the host. Throws `rate_limited`
 * before anything is done.
 */
export function withLimits(handlers: Handlers<Methods>, { limits, terminals }: LimitOptions): Handlers<Methods> {
  const counts = new Map<string, number>();
  const refuse = (message: string): never => {
    throw new CasemateError('rate_limited', message);
  };
  /** Counts one more of each, and answers how to count them off again. */
  const take = (keys: readonly string[]): (() => void) => {
    const add = (step: number): void => {
      for (const key of keys) {
        const now = (counts.get(key) ?? 0) + step;
        if (now === 0) counts.delete(key);
        else counts.set(key, now);
      }
    };
    add(1);
    return () => add(-1);
  };
  const under = (key: string): number => counts.get(key) ?? 0;
  const admit = (name: keyof Methods, teamId: TeamId | undefined): (() => void) => {
    const listening = listeners[name];
    if (listening !== undefined) {
      return under(name) < listening ? take([name]) : refuse('Too many of these calls wait already.');
    }
    const kind = kinds[name];
    if (kind === undefined || teamId === undefined) return () => {};
    const running = (team?: TeamId): number => (kind === 'programs' ? terminals(team) : 0);
    const ofTeam = `${kind}:${teamId}`;
    if (under(ofTeam) + running(teamId) >= limits.perTeam[kind])
      refuse('The team does as much of this at once as it may.');
    if (under(kind) + running() >= limits[kind])
      refuse('This server does as much of this at once as it may. Try again.');
    return take([kind, ofTeam]);
  };
  type Loose = (parameters: unknown, call: unknown) => Promise<unknown>;
  const bounded = Object.entries(handlers).map(([name, handler]): [string, Loose] => [
    name,
    async (parameters, call) => {
      const { teamId } = parameters as { teamId?: TeamId };
      const done = admit(name as keyof Methods, teamId);
      try {
        return await (handler as unknown as Loose)(parameters, call);
      } finally {
        done();
      }
    },
  ]);
  return Object.fromEntries(bounded) as unknown as Handlers<Methods>;
}
