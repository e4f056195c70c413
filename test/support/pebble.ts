import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { issueAuthority, issueServer } from '#main/certificates/issue.ts';
import { freePort } from './instance.ts';

/** Debian's `pebble`: a certificate authority for tests, with a DNS server that sends every name to loopback. */
export interface Pebble extends AsyncDisposable {
  readonly directory: string;
  readonly port: number;
  /** PEM of who signed pebble's own certificate. */
  readonly caFile: string;
  /** Where pebble looks for HTTP-01. */
  readonly httpPort: number;
  /** Of the DNS server: `POST /set-txt` and the like. */
  readonly managementPort: number;
  /** PEM of the root that signs what is ordered. */
  root(): Promise<string>;
  stop(): Promise<void>;
}

export async function startPebble(directory: string): Promise<Pebble> {
  const [port, management, httpPort, tlsPort, dnsPort, managementPort] = (await Promise.all(
    Array.from({ length: 6 }, freePort),
  )) as [number, number, number, number, number, number];
  const authority = await issueAuthority({ commonName: 'pebble', names: ['localhost'], days: 1 });
  const own = await issueServer({ names: ['localhost', '127.0.0.1'], days: 1, authority });
  const file = (name: string): string => path.join(directory, name);
  await writeFile(file('ca.pem'), authority.certificate);
  await writeFile(file('pebble.crt'), own.certificate);
  await writeFile(file('pebble.key'), own.key, { mode: 0o600 });
  const config = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: file('pebble.crt'),
    privateKey: file('pebble.key'),
    ...{ httpPort, tlsPort },
    ocspResponderURL: '',
    externalAccountBindingRequired: false,
  };
  await writeFile(file('pebble.json'), JSON.stringify({ pebble: config }));
  const children: ChildProcess[] = [
    spawn(
      'pebble-challtestsrv',
      [
        ...['-dns01', `127.0.0.1:${dnsPort}`, '-management', `127.0.0.1:${managementPort}`],
        ...['-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv6', '', '-defaultIPv4', '127.0.0.1'],
      ],
      { stdio: 'ignore' },
    ),
    spawn('pebble', ['-config', file('pebble.json'), '-dnsserver', `127.0.0.1:${dnsPort}`], {
      stdio: 'ignore',
      env: { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_AUTHZREUSE: '0' },
    }),
  ];
  const stop = async (): Promise<void> => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  };
  const get = (url: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const asked = request(url, { ca: authority.certificate, agent: false }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(text));
      });
      asked.on('error', reject);
      asked.end();
    });
  for (let turn = 0; ; turn += 1) {
    const answer = await get(`https://localhost:${port}/dir`).catch(() => null);
    if (answer !== null) break;
    if (turn > 100) throw new Error('pebble did not start');
    await wait(50);
  }
  return {
    directory: `https://localhost:${port}/dir`,
    ...{ port, httpPort, managementPort, stop },
    caFile: file('ca.pem'),
    root: () => get(`https://localhost:${management}/roots/0`),
    [Symbol.asyncDispose]: stop,
  };
}
