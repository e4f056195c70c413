/** Whose proof it is: for strength rules and labels. */
export interface Person {
  readonly email: string;
  readonly name: string;
}

/** One way to prove who you are. Every method passes methods/method.suite.ts. */
export interface SignInMethod {
  /** As the trail names it. */
  readonly name: string;
  /** Makes what is stored. CasemateError `weak_password` when the proof is too easy to guess. */
  enrol(person: Person, proof: string): Promise<string>;
  /**
   * Takes the same time and gives the same answer for a person without a stored credential (null) as
   * for a wrong proof. `renewed` is what to store instead when the parameters have grown.
   */
  prove(stored: string | null, proof: string): Promise<{ readonly proven: boolean; readonly renewed: string | null }>;
}
