import { type ChildProcess, spawn } from 'node:child_process';
import { type Challenge, fromAcmeSchema, type ToAcme } from '#contract/acme.ts';
import type { CertificatePair } from '#contract/server-supervision.ts';
import type { Identity } from '#main/up/users.ts';

const longestMs = 30 * 60_000;

export interface AcmeRun {
  /** Starts the process, with a channel. */
  readonly start: () => ChildProcess;
  readonly order: Omit<Extract<ToAcme, { type: 'order' }>, 'type'>;
  /** One after another. */
  readonly place: (challenge: Challenge) => Promise<void>;
  readonly remove: (challenge: Challenge) => Promise<void>;
}

/**
 * Starts `entry`, the release's `acme`, with no privileges, no network interface (the broker's door is a Unix
 * socket) and no programs.
 */
export function startAcme(entry: string, { uid, gid }: Identity, log: number): ChildProcess {
  return spawn(
    'unshare',
    [
      '--net',
      '--',
      'setpriv',
      ...[`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--inh-caps=-all', '--no-new-privs'],
      ...['--pdeathsig=KILL', '--', process.execPath, entry],
    ],
    {
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
      stdio: ['ignore', log, log, 'ipc'],
    },
  );
}

/** Lets one certificate be ordered by a process of its own. Throws with what went wrong. */
export async function runAcme(run: AcmeRun): Promise<CertificatePair> {
  const child = run.start();
  const outcome = Promise.withResolvers<CertificatePair>();
  const timer = setTimeout(() => child.kill('SIGKILL'), longestMs);
  let last: Promise<void> = Promise.resolve();
  child.on('message', (message) => {
    const parsed = fromAcmeSchema.safeParse(message);
    if (!parsed.success) return outcome.reject(new Error('the ACME process sent a message that is not known'));
    const told = parsed.data;
    if (told.type === 'failed') return outcome.reject(new Error(told.problem));
    if (told.type === 'certificate') return outcome.resolve({ certificate: told.certificate, key: told.key });
    const act = told.type === 'place' ? run.place : run.remove;
    last = last
      .then(() => act(told.challenge))
      .then(
        () => null,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      )
      .then((problem) => {
        if (child.connected) child.send({ type: 'done', id: told.id, problem } satisfies ToAcme);
      });
  });
  child.once('error', (error) => outcome.reject(error));
  child.once('exit', (code, signal) => outcome.reject(new Error(`the ACME process ended with ${signal ?? code}`)));
  child.send({ type: 'order', ...run.order } satisfies ToAcme);
  try {
    return await outcome.promise;
  } finally {
    clearTimeout(timer);
    // A unit's process is not the child, and ends when nobody listens.
    if (child.connected) child.disconnect();
    child.kill('SIGKILL');
    await last;
  }
}
