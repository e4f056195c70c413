import { existsSync } from 'node:fs';
import { z } from 'zod';
import type { Outcome, Probe } from '#main/attack/probe.ts';
import { attackProgram, type Given } from '#main/attack/program.ts';

/** Runs a Python program on standard input as a user of the sandbox, and answers what it printed. */
export type Interpreter = (user: 'user' | 'root', program: string) => Promise<string>;

const lineSchema = z.strictObject({
  id: z.string(),
  /** What was reached; empty when nothing was. */
  reached: z.string().optional(),
  refused: z.string().optional(),
  broken: z.string().optional(),
  /** The signal that ended the attempt, 0 when it left without a word. */
  ended: z.number().optional(),
});
type Line = z.infer<typeof lineSchema>;

/**
 * Makes every attempt from inside and judges by what it reached. An attempt that broke, or of which
 * nothing was heard, proves nothing and so did not hold. `outside` says what was seen from outside.
 */
export async function attackFromInside(
  probes: readonly Probe[],
  given: Given,
  interpret: Interpreter,
  outside: () => Promise<ReadonlyMap<string, string>>,
): Promise<Outcome[]> {
  const lacking = (probe: Probe): string | null => {
    if (probe.machine !== undefined && probe.machine !== process.arch) return `a matter of ${probe.machine} only`;
    return probe.needs !== undefined && !existsSync(probe.needs) ? `this machine has no ${probe.needs}` : null;
  };
  const tried = probes.filter((probe) => lacking(probe) === null);
  const heard = new Map<string, Line[]>();
  for (const user of ['user', 'root'] as const) {
    const own = tried.filter(({ users }) => users === undefined || users.includes(user));
    for (const line of (await interpret(user, attackProgram(own, given))).split('\n')) {
      if (!line.startsWith('{')) continue;
      const parsed = lineSchema.parse(JSON.parse(line));
      heard.set(parsed.id, [...(heard.get(parsed.id) ?? []), parsed]);
    }
  }
  const seen = await outside();
  return probes.map((probe) => {
    const { id, category, what, users } = probe;
    const reason = lacking(probe);
    if (reason !== null) return { id, category, what, verdict: 'not applicable', saw: reason };
    const lines = heard.get(id) ?? [];
    const fault =
      seen.get(id) ??
      lines.map(({ reached, broken }) => reached || (broken && `the attempt broke: ${broken}`)).find(Boolean) ??
      (lines.length < (users?.length ?? 2) ? 'nothing was heard of the attempt' : undefined);
    if (fault !== undefined) return { id, category, what, verdict: 'did not hold', saw: fault };
    const answers = lines.map(
      ({ refused, ended }) => refused ?? (ended ? `ended by signal ${ended}` : 'found nothing'),
    );
    return { id, category, what, verdict: 'held', saw: [...new Set(answers)].join(', ') };
  });
}
