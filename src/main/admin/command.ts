import { type ParseArgsConfig, parseArgs } from 'node:util';
import { AdminError, UnreachableError } from '#main/admin/call-admin.ts';

export const exitCodes = { done: 0, refused: 1, usage: 2, unreachable: 3 } as const;

/** The command line could not be understood. */
export class UsageProblem extends Error {
  override readonly name = 'UsageProblem';
}

export interface Invocation {
  readonly words: readonly string[];
  readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  /** The data directory of the instance. */
  readonly data: string;
  readonly json: boolean;
}

const common = {
  data: { type: 'string' },
  output: { type: 'string', short: 'o', default: 'text' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/**
 * Runs one command: `--help`, the flags that every command has, and exit codes (0 done, 1 refused or
 * failed, 2 not understood, 3 no server).
 */
export async function runCommand(
  of: { readonly help: string; readonly options?: NonNullable<ParseArgsConfig['options']> },
  args: readonly string[],
  act: (invocation: Invocation) => Promise<number | undefined>,
): Promise<number> {
  try {
    const invocation = understand(of, args);
    if (invocation === null) {
      process.stdout.write(`${of.help.trim()}\n`);
      return exitCodes.done;
    }
    return (await act(invocation)) ?? exitCodes.done;
  } catch (error) {
    if (error instanceof UsageProblem) return complain(`${error.message}\n\n${of.help.trim()}`, exitCodes.usage);
    if (error instanceof AdminError) return complain(error.message, exitCodes.refused);
    if (error instanceof UnreachableError) return complain(error.message, exitCodes.unreachable);
    throw error;
  }
}

function understand(
  of: { readonly options?: NonNullable<ParseArgsConfig['options']> },
  args: readonly string[],
): Invocation | null {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...of.options, ...common },
      allowPositionals: true,
      strict: true,
    });
    if (values.help) return null;
    if (values.output !== 'text' && values.output !== 'json') throw new UsageProblem('-o takes text or json');
    const data = values.data ?? process.env['CASEMATE_DATA'] ?? '/var/lib/casemate';
    return { words: positionals, values: values as Invocation['values'], data, json: values.output === 'json' };
  } catch (error) {
    if (error instanceof UsageProblem) throw error;
    throw new UsageProblem(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function complain(message: string, code: number): number {
  process.stderr.write(`${message}\n`);
  return code;
}
