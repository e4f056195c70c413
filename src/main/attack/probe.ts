/** What the attack looks at, in the order of its table. */
export const categories = [
  'files',
  'processes',
  'namespaces',
  'mounts',
  'devices',
  'proc',
  'sys',
  'kernel',
  'sockets',
  'network',
  'identity',
  'environment',
  'doors',
  'exhaustion',
] as const;
export type Category = (typeof categories)[number];

/**
 * One attempt from inside, as data. It is the body of a Python function that returns what it reached,
 * as text, and nothing (or raises OSError) when it was refused; `program.ts` has the words it may use.
 * An attempt must be harmless where it succeeds: it opens without writing, passes arguments that a
 * willing kernel would refuse, or acts on what the attack itself put there.
 */
export interface Probe {
  readonly id: string;
  readonly category: Category;
  readonly what: string;
  readonly attempt: readonly string[];
  /** Who tries. The default is both. */
  readonly users?: readonly ('user' | 'root')[];
  /** A path of the host without which there is nothing to reach. */
  readonly needs?: string;
  /** The attempt means something on this architecture only. */
  readonly machine?: NodeJS.Architecture;
}

/** How an attempt ended. */
export interface Outcome {
  readonly id: string;
  readonly category: Category;
  readonly what: string;
  readonly verdict: 'held' | 'did not hold' | 'not applicable';
  /** What was seen, by whom; the reason when it is not applicable. */
  readonly saw: string;
}
