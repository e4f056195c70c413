import type { Config } from '#config/config.ts';
import type { Tier } from '#contract/warden.ts';
import { attackTier } from '#main/attack/attack-tier.ts';
import { categories, type Outcome } from '#main/attack/probe.ts';
import { reachWarden } from '#main/attack/reach-warden.ts';
import { exitCodes } from '#main/up/exit-codes.ts';

const marks = { held: 'held          ', 'did not hold': 'DID NOT HOLD  ', 'not applicable': 'not applicable' } as const;

/** `doctor --attack`: each tier in turn; the exit code says whether all of it held. */
export async function runAttack(config: Config, { json }: { readonly json: boolean }): Promise<number> {
  if (process.getuid?.() !== 0) throw new Error('the attack needs root: sudo ./casemate doctor --attack');
  const stop = new AbortController();
  const abort = (): void => stop.abort(new Error('interrupted; the sandboxes of the attack were taken away'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, abort);
  await using reached = await reachWarden(config);
  const { reply } = await reached.warden.call('warden.health', {});
  if (!json) console.log(`attacking throw-away sandboxes of ${reached.which}`);
  const all: ({ readonly tier: Tier } & Outcome)[] = [];
  for (const tier of reply.tiers) {
    const outcomes = await attackTier(reached.warden, tier, { signal: stop.signal });
    all.push(...outcomes.map((outcome) => ({ tier, ...outcome })));
    if (!json) print(tier, outcomes);
  }
  if (json) console.log(JSON.stringify(all, null, 2));
  const held = all.length > 0 && all.every(({ verdict }) => verdict !== 'did not hold');
  return held ? exitCodes.done : exitCodes.failed;
}

function print(tier: Tier, outcomes: readonly Outcome[]): void {
  for (const category of categories) {
    console.log(`\n${tier}: ${category}`);
    for (const { verdict, what, saw } of outcomes.filter((outcome) => outcome.category === category)) {
      console.log(`  ${marks[verdict]}  ${what.padEnd(66)} ${saw}`);
    }
  }
  const count = (verdict: Outcome['verdict']): number => outcomes.filter((one) => one.verdict === verdict).length;
  console.log(
    `\n${tier}: ${count('held')} held, ${count('did not hold')} did not hold, ${count('not applicable')} not applicable`,
  );
}
