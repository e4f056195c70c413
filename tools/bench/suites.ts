import type { BenchRow } from '../../test/bench/row.ts';

export interface BenchSuite {
  readonly what: string;
  load(): Promise<() => Promise<readonly BenchRow[]>>;
}

/** A new suite is a row here. The order is that of the table. */
export const suites: Readonly<Record<string, BenchSuite>> = {
  terminal: {
    what: 'echo and throughput of a terminal against a bare node-pty and ws server',
    load: async () => (await import('../../test/bench/terminal.ts')).measureTerminal,
  },
  sandbox: {
    what: 'a sandbox, a program in it and its end against the bare recipe and crun',
    load: async () => (await import('../../test/bench/sandbox.ts')).measureSandboxes,
  },
  broker: {
    what: 'requests and bytes through the broker against the same without it',
    load: async () => (await import('../../test/bench/broker.ts')).measureBroker,
  },
  neighbour: {
    what: 'echo in a sandbox while another prints, forks and fills memory and disk',
    load: async () => (await import('../../test/bench/neighbour.ts')).measureNeighbour,
  },
  footprint: {
    what: 'memory of an idle instance and of idle sandboxes, and the time of a second start',
    load: async () => (await import('../../test/bench/footprint.ts')).measureFootprint,
  },
};
