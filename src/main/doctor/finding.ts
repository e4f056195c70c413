/** One line of the doctor: what was looked at, how it is, and the command that mends it. */
export interface Finding {
  readonly what: string;
  readonly verdict: 'ok' | 'warn' | 'bad';
  readonly saw: string;
  /** Shell commands, for a person to type. */
  readonly mend?: string;
  /** Mends it now; answers with what was done. `doctor --fix` calls it. */
  readonly fix?: () => Promise<string>;
}

export type Examination = () => Promise<readonly Finding[]>;

export const ok = (what: string, saw: string): Finding => ({ what, verdict: 'ok', saw });
