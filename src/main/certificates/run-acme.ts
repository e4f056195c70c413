import { spawn } from 'node:child_process';
import { type Challenge, fromAcmeSchema, type ToAcme } from '#contract/acme.ts';
import type { CertificatePair } from '#contract/server-supervision.ts';
import type { Identity } from '#main/up/users.ts';

const longestMs = 30 * 60_000;

export interface AcmeRun {
  /** The file of the release that runs `acme`. */
  readonly entry: string;
  readonly identity: Identity;
  readonly logFd: number;
  readonly order: Omit<Extract<ToAcme, { type: 'order' }>, 'type'>;
  /** One after another. */
  readonly place: (challenge: Challenge) => Promise<void>;
  readonly remove: (challenge: Challenge) => Promise<void>;
}

/**
 * Lets one certificate be ordered by a process of its own: no privileges, no network interface (the
 * broker's door is a Unix socket), no programs. Throws with what went wrong.
 */
export async function runAcme(run: AcmeRun): Promise<CertificatePair> {
  const { uid, gid } = run.identity;
  const child = spawn(
    'unshare',
    [
      '--net',
      '--',
      'setpriv',
      ...[`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--inh-caps=-all', '--no-new-privs'],
      ...['--pdeathsig=KILL', '--', process.execPath, run.entry],
    ],
    {
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
      stdio: ['ignore', run.logFd, run.logFd, 'ipc'],
    },
  );
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
    child.kill('SIGKILL');
    await last;
  }
}
