/**
 * What a guest is told instead of being connected. `message` is shown inside the sandbox: it names
 * what the guest asked for, why not and what a person can do, and nothing of the host.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  /** The rule or guard, for the journal. */
  readonly reason: string;

  constructor(status: number, reason: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.status = status;
    this.reason = reason;
  }
}

/** The body of a refusal: one line of plain text. */
export const refusalBody = (refusal: Refusal): string => `casemate: ${refusal.message}\n`;
