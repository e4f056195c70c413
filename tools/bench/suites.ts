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
  broker: {
    what: 'requests and bytes through the broker against the same without it',
    load: async () => (await import('../../test/bench/broker.ts')).measureBroker,
  },
};
