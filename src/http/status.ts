import type { Tier } from '#contract/warden.ts';

export const partNames = ['database', 'warden', 'keeper', 'broker'] as const;
export type PartName = (typeof partNames)[number];
export type PartState = 'ok' | 'down';

/** Which parts answer, asked when it is called and at most once a second. */
export interface Status {
  readonly version: string;
  /** Where browsers reach the app. */
  readonly origin: string;
  /** Where a browser on this machine does, or one behind `ssh -L`. */
  readonly localOrigin: string;
  parts(): Promise<Readonly<Record<PartName, PartState>>>;
  /** Isolation tiers that the warden can run; none while it is down. */
  tiers(): Promise<readonly Tier[]>;
}

const askedEveryMs = 1_000;
const patienceMs = 2_000;

/** `pings` resolve when the part answers. */
export function createStatus(options: {
  readonly version: string;
  readonly origin: string;
  readonly localOrigin: string;
  readonly pings: Readonly<Record<PartName, (signal: AbortSignal) => Promise<unknown>>>;
  readonly tiers: (signal: AbortSignal) => Promise<readonly Tier[]>;
}): Status {
  let asked: { readonly at: number; readonly answer: Promise<Record<PartName, PartState>> } | undefined;

  const ask = async (): Promise<Record<PartName, PartState>> => {
    const states = await Promise.all(partNames.map((name) => stateOf(options.pings[name])));
    return Object.fromEntries(partNames.map((name, index) => [name, states[index] ?? 'down'])) as Record<
      PartName,
      PartState
    >;
  };

  return {
    version: options.version,
    origin: options.origin,
    localOrigin: options.localOrigin,
    parts() {
      const now = performance.now();
      if (!asked || now - asked.at > askedEveryMs) asked = { at: now, answer: ask() };
      return asked.answer;
    },
    async tiers() {
      const { warden } = await this.parts();
      return warden === 'ok' ? options.tiers(AbortSignal.timeout(patienceMs)) : [];
    },
  };
}

/** That a part does not answer is the answer here; why is for its own log. */
async function stateOf(ping: (signal: AbortSignal) => Promise<unknown>): Promise<PartState> {
  const signal = AbortSignal.timeout(patienceMs);
  const late = new Promise<PartState>((resolve) => {
    signal.addEventListener('abort', () => resolve('down'), { once: true });
  });
  return Promise.race([
    late,
    ping(signal).then(
      (): PartState => 'ok',
      (): PartState => 'down',
    ),
  ]);
}
