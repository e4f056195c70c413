import { entryOf } from '#main/running-code.ts';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import type { Config } from '#config/config.ts';
import { certificateNames, usesAcme } from '#config/tls.ts';
import type { Challenge } from '#contract/acme.ts';
import type { CertificatePair, ToServer } from '#contract/server-supervision.ts';
import { acmeCertificates } from '#main/certificates/acme-certificates.ts';
import { type CertificateState, fileCertificates } from '#main/certificates/certificates.ts';
import { runAcme, startAcme } from '#main/certificates/run-acme.ts';
import { hookAs, runHook } from '#main/certificates/run-hook.ts';
import { pairStore, writeForRoot } from '#main/certificates/store.ts';
import type { ServiceTasks } from '#main/service/launch-tasks.ts';
import { openLogFile } from '#main/up/log-file.ts';
import type { DataPaths } from '#main/up/paths.ts';
import type { Users } from '#main/up/users.ts';

export interface InstanceCertificatesOptions {
  readonly config: Config;
  readonly paths: DataPaths;
  readonly users: Users;
  readonly release: string;
  readonly say: (text: string) => void;
  /** What `status` shows has changed. */
  readonly changed: () => void;
  /** Where the supervisor may not start programs with the network, or namespaces: how it has them started. */
  readonly tasks: Pick<ServiceTasks, 'acme' | 'hook'> | null;
  /** To the server that runs, if one does. */
  readonly tell: (message: ToServer) => void;
}

/** The certificates of a running instance, and all that the server must hear of them. */
export interface InstanceCertificates extends Disposable {
  readonly state: readonly CertificateState[];
  /** What a server that starts must know. */
  greetings(): readonly ToServer[];
  /** Server and broker are there. */
  begin(): void;
}

/** Chooses where certificates come from; without TLS there are none. Throws a CertificateProblem. */
export async function instanceCertificates(options: InstanceCertificatesOptions): Promise<InstanceCertificates> {
  const { config, paths, users, release, say, changed, tell, tasks } = options;
  const answers = new Map<string, ToServer>();
  const replaced = (pairs: readonly CertificatePair[]): void => tell({ type: 'certificates', pairs: [...pairs] });

  const http = (token: string, answer: string | null): void => {
    const message: ToServer = { type: 'challenge', token, answer };
    if (answer === null) answers.delete(token);
    else answers.set(token, message);
    tell(message);
  };
  const challenge = async (action: 'set' | 'remove', of: Challenge): Promise<void> => {
    if (of.kind === 'http-01') return http(of.token, action === 'set' ? of.answer : null);
    if (config.dnsHook === null) throw new Error('there is no CASEMATE_DNS_HOOK');
    await runHook({ program: config.dnsHook, start: tasks?.hook ?? hookAs(users.hook) }, action, of.name, of.value);
  };
  const order = async (names: readonly string[]): Promise<CertificatePair> => {
    const log = openLogFile(paths.log, 'acme');
    try {
      return await runAcme({
        start: () => tasks?.acme(log.fd) ?? startAcme(entryOf(release, 'acme'), users.acme, log.fd),
        order: {
          directory: config.acmeDirectory,
          accountKey: accountKey(join(paths.tls, 'account.key')),
          names: [...names],
          kind: config.dnsHook === null ? 'http-01' : 'dns-01',
          socket: join(paths.run.certificates, 'door.sock'),
        },
        place: (of) => challenge('set', of),
        remove: (of) => challenge('remove', of),
      });
    } finally {
      log[Symbol.dispose]();
    }
  };

  if (config.tlsCertificateFiles.length > 0) {
    const files = config.tlsCertificateFiles.map((file, index) => [file, config.tlsKeyFiles[index] ?? file] as const);
    const found = fileCertificates({ files, replaced, changed, say });
    return {
      get state() {
        return found.state;
      },
      greetings: () => [{ type: 'certificates', pairs: [...found.pairs] }],
      begin: () => undefined,
      [Symbol.dispose]: () => found[Symbol.dispose](),
    };
  }
  if (usesAcme(config) && config.domain !== null) {
    const names = certificateNames(config.domain, config.dnsHook !== null);
    const store = pairStore(paths.tls, `acme-${config.domain}`);
    const acme = await acmeCertificates({
      ...{ names, store, replaced, changed, say },
      order: () => order(names),
      clock: systemClock,
    });
    return {
      get state() {
        return acme.state;
      },
      greetings: () => [{ type: 'certificates', pairs: [...acme.pairs] }, ...answers.values()],
      begin: () => acme.begin(),
      [Symbol.dispose]: () => acme[Symbol.dispose](),
    };
  }
  return { state: [], greetings: () => [], begin: () => undefined, [Symbol.dispose]: () => undefined };
}

/** The account at the authority is this key (ECDSA, P-256); made once, and root's alone. */
function accountKey(path: string): string {
  if (!existsSync(path)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeForRoot(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  }
  const pem = readFileSync(path, 'utf8');
  createPrivateKey(pem);
  return pem;
}
