/**
 * How one of our processes is confined: what the launcher (`main/confine.ts`) builds around it before it
 * starts. Root writes it, and root alone reads it.
 */
export interface Confinement {
  /** Entry and arguments, run by the Node that runs the launcher. */
  readonly program: readonly string[];
  /** Of Node's young generation, half of it; whole MiB, 1 to 64. */
  readonly youngMiB: number;
  readonly uid: number;
  readonly gid: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Sent to it when the process that started it ends; null: it outlives that one. */
  readonly deathSignal: 'SIGTERM' | 'SIGKILL' | null;
  /** `own`: a network namespace with nothing in it. */
  readonly network: 'own' | 'host';
  /** Trees and files that it may read; those that are absent are left out. */
  readonly readable: readonly string[];
  /** Directories that it may change. */
  readonly writable: readonly string[];
  /** It resolves names and trusts the machine's certificate authorities. */
  readonly resolvesNames: boolean;
  /** It starts holders and looks for them: it gets their program, and sees processes of its own user. */
  readonly startsHolders: boolean;
  /**
   * TCP ports that Landlock lets it connect to. Null: no Landlock, which would keep a restarted keeper from the
   * descriptors of the holders before it.
   */
  readonly connects: readonly number[] | 'any' | null;
}

const isPath = (value: unknown): boolean => typeof value === 'string' && value.startsWith('/');
const isId = (value: unknown): boolean => Number.isInteger(value) && Number(value) > 0;
const listOf =
  (is: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.every((entry) => is(entry));
const isText = (value: unknown): boolean => typeof value === 'string';
const isFlag = (value: unknown): boolean => typeof value === 'boolean';
const isPort = (value: unknown): boolean => Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536;

const rules: Readonly<Record<keyof Confinement, (value: unknown) => boolean>> = {
  program: (value) => listOf(isText)(value) && isPath((value as unknown[])[0]),
  youngMiB: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 64,
  uid: isId,
  gid: isId,
  environment: (value) => typeof value === 'object' && value !== null && Object.values(value).every(isText),
  deathSignal: (value) => value === null || value === 'SIGTERM' || value === 'SIGKILL',
  network: (value) => value === 'own' || value === 'host',
  readable: listOf(isPath),
  writable: listOf(isPath),
  resolvesNames: isFlag,
  startsHolders: isFlag,
  connects: (value) => value === null || value === 'any' || listOf(isPort)(value),
};

/**
 * Reads what root wrote. By hand, since the launcher does little else: the library that parses what comes over
 * wires would cost it two thirds of its time. Throws for what is missing, wrong or not known.
 */
export function parseConfinement(text: string): Confinement {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new Error('a confinement is an object');
  const wrong = Object.entries(rules).find(([name, isRight]) => !isRight(Reflect.get(value, name)));
  if (wrong) throw new Error(`the confinement's ${wrong[0]} is missing or wrong`);
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(rules, name));
  if (unknown !== undefined) throw new Error('the confinement says something that is not known');
  return value as Confinement;
}
