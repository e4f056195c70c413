import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startGitServer } from '../support/git-server.ts';
import { casemate, lacking, temporaryInstance } from '../support/instance.ts';
import { startLoad } from './soak/load.ts';
import { ownProcesses, readSample, type Sample, tracesOf } from './soak/sample.ts';
import { judge, verdictTable } from './soak/verdict.ts';

const sampleEveryMs = 15_000;
/** Processes are killed in the first part of a run; growth is judged in the last, when heaps have found their size. */
const killedUntil = 0.4;
const judgedFrom = 0.5;
const killed = ['server', 'keeper', 'warden', 'broker'];
/** These grow with the work done: each terminal leaves a recording, each deleted workspace a disk that can be restored. */
const grows = ['recordings', 'inodes of the data directory, recordings apart'];

function makeRepository(directory: string): void {
  const work = join(directory, 'work');
  const git = (...line: string[]): void =>
    void execFileSync('git', ['-c', 'user.name=Soak', '-c', 'user.email=soak@example.org', ...line], { cwd: work });
  execFileSync('git', ['init', '-q', '-b', 'main', work]);
  for (let file = 0; file < 50; file += 1) writeFileSync(join(work, `file-${file}.txt`), 'line of text\n'.repeat(500));
  git('add', '.');
  git('commit', '-q', '-m', 'First');
  execFileSync('git', ['clone', '-q', '--bare', work, join(directory, 'repo.git')]);
}

/** Lines of every log that tell of an error, by their text, and of an error that nobody handled. */
function errorLines(logs: string): { readonly unhandled: string[]; readonly errors: Map<string, number> } {
  const unhandled: string[] = [];
  const errors = new Map<string, number>();
  for (const name of readdirSync(logs)) {
    for (const line of readFileSync(join(logs, name), 'utf8').split('\n')) {
      if (/unhandled|uncaught|FATAL|PANIC/i.test(line)) unhandled.push(`${name}: ${line.slice(0, 400)}`);
      const level = Number(/^\{"level":(\d+)/.exec(line)?.[1] ?? (line === '' ? 0 : 50));
      if (level < 50) continue;
      const text = `${name}: ${/"msg":"([^"]{0,120})/.exec(line)?.[1] ?? line.slice(0, 120)}`;
      errors.set(text, (errors.get(text) ?? 0) + 1);
    }
  }
  return { unhandled, errors };
}

const list = (of: ReadonlyMap<string, number>): string =>
  [...of]
    .toSorted((a, b) => b[1] - a[1])
    .map(([what, times]) => `  ${times} × ${what}`)
    .join('\n') || '  none';

/** Runs an instance under mixed work for `minutes`, prints a verdict for each series; true when all are flat. */
export async function soak(minutes: number): Promise<boolean> {
  const reason = lacking();
  if (reason) throw new Error(reason);
  await using cleanup = new AsyncDisposableStack();
  const repositories = mkdtempSync('/tmp/casemate-soak-');
  cleanup.defer(() => rmSync(repositories, { recursive: true, force: true }));
  makeRepository(repositories);
  const git = cleanup.use(await startGitServer({ directory: repositories }));
  const instance = cleanup.use(await temporaryInstance());
  const passwordFile = join(repositories, 'password');
  writeFileSync(passwordFile, 'umbrella-tadpole-seventeen-copper', { mode: 0o600 });
  const started = await casemate(['up', '--detach', ...instance.flags], {
    CASEMATE_OWNER_EMAIL: 'ada@example.org',
    CASEMATE_OWNER_PASSWORD_FILE: passwordFile,
    CASEMATE_PRIVATE_DESTINATIONS: `${git.host}:${git.port}`,
    RATE_LIMIT_MAX_REQUESTS: '1000000',
  });
  if (started.code !== 0) throw new Error(started.output);
  const made = await casemate(['key', 'create', '--scope', '*', '--data', instance.data]);
  const key = /e2b_[0-9a-f]{40}/.exec(made.output)?.[0];
  if (key === undefined) throw new Error(made.output);

  const before = tracesOf(instance);
  const stop = new AbortController();
  const load = startLoad({
    origin: `http://127.0.0.1:${instance.port}`,
    key,
    repository: git.url('repo.git'),
    signal: stop.signal,
  });
  let broken: unknown = null;
  load.finished.catch((error: unknown) => (broken = error));
  const samples: Sample[] = [];
  const runMs = minutes * 60_000;
  const killEveryMs = (runMs * killedUntil) / (2 * killed.length);
  const beganAt = performance.now();
  let kills = 0;
  for (;;) {
    const elapsed = performance.now() - beganAt;
    if (elapsed > runMs || broken !== null) break;
    if (elapsed > (kills + 1) * killEveryMs && elapsed < runMs * killedUntil) {
      const name = killed[kills % killed.length] ?? '';
      const pid = ownProcesses(instance).get(name);
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      kills += 1;
      console.error(`${Math.round(elapsed / 1000)} s: kill -9 of the ${name}`);
      await wait(1000);
    }
    samples.push(readSample(instance, (performance.now() - beganAt) / 1000));
    await wait(sampleEveryMs);
  }
  stop.abort();
  await load.finished;
  // Deleted sandboxes end by themselves; those that were killed with the warden, when it looks for them.
  await wait(20_000);
  const left = [...tracesOf(instance)].map(([what, value]) => ({ what, value, was: before.get(what) ?? 0 }));
  const { unhandled, errors } = errorLines(join(instance.data, 'log'));

  const verdicts = judge(samples, minutes * 60 * judgedFrom, grows);
  console.log(
    `${minutes} minutes, ${samples.length} samples, ${kills} kills; judged: the last ${100 * (1 - judgedFrom)} %\n`,
  );
  console.log(verdictTable(verdicts));
  console.log(`\ndone:\n${list(load.tally.done)}\nfailed, and tried again:\n${list(load.tally.failed)}`);
  console.log(
    `errors in logs:\n${list(errors)}\nunhandled:\n${unhandled.map((line) => `  ${line}`).join('\n') || '  none'}`,
  );
  const leftOver = left.filter(({ value, was }) => value > was);
  console.log(
    `left when all was deleted:\n${leftOver.map(({ what, value, was }) => `  ${what}: ${value}, was ${was}`).join('\n') || '  nothing'}`,
  );
  return verdicts.every(({ flat }) => flat) && leftOver.length === 0 && unhandled.length === 0;
}
