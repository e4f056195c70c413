import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import type { Page } from 'playwright-core';
import { makeDevelopment } from '#main/certificates/development.ts';
import { type Browser, startBrowser, terminalShows } from '../support/browser.ts';
import { casemate, lacking, temporaryInstance } from '../support/instance.ts';

const reason = lacking();
const password = 'correct horse battery staple 42';
let instance: Awaited<ReturnType<typeof temporaryInstance>>;
let browser: Browser;
let page: Page;
let origin: string;
const file = (name: string): string => path.join(instance.data, 'tls', name);

before(
  async () => {
    if (reason) return;
    instance = await temporaryInstance();
    origin = `https://localhost:${instance.port}`;
    const made = await casemate(['tls', 'init', '--name', 'dev.example.org', '--data', instance.data]);
    assert.equal(made.code, 0, made.output);
    assert.match(made.output, /Firefox[\s\S]*certutil[\s\S]*security add-trusted-cert[\s\S]*update-ca-certificates/);
    const tls = ['--tls-cert', file('development.crt'), '--tls-key', file('development.key')];
    const started = await casemate(['up', '--detach', ...instance.flags, ...tls]);
    assert.equal(started.code, 0, started.output);
    assert.ok(started.output.includes(`${origin}/setup#`), started.output);
    await instance.until('the instance is ready', () => instance.status().ready, 60_000);
    browser = await startBrowser(undefined, file('authority.crt'));
    page = await browser.page();
  },
  { timeout: 120_000 },
);
after(async () => {
  if (reason) return;
  await browser?.[Symbol.asyncDispose]();
  await instance?.[Symbol.asyncDispose]();
});

async function fingerprint(): Promise<string> {
  const ca = await readFile(file('authority.crt'), 'utf8');
  const socket = connect({ host: '127.0.0.1', port: instance.port, servername: 'localhost', ca });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

test('H10 with its authority imported, Chromium uses all of it over https', { timeout: 90_000 }, async (t) => {
  if (reason) return t.skip(reason);
  await t.test('the set-up link works, over HTTP/2, and the cookie is bound to host and TLS', async () => {
    const answer = await page.goto(`${origin}${instance.status().setupPath}`);
    assert.equal(answer?.status(), 200);
    assert.equal((await answer?.securityDetails())?.protocol, 'TLS 1.3');
    const protocol = await page.evaluate(() =>
      performance.getEntriesByType('resource').map((entry) => Reflect.get(entry, 'nextHopProtocol') as unknown),
    );
    assert.deepEqual([...new Set(protocol)], ['h2']);
    assert.equal(answer?.headers()['strict-transport-security'], undefined, 'not for localhost');
    await page.getByLabel('Your name').fill('Ada Lovelace');
    await page.getByLabel('E-mail address').fill('ada@example.org');
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Make the account' }).click();
    await page.waitForURL('**/workspaces**');
    const [cookie, ...others] = await browser.context.cookies(origin);
    assert.deepEqual(
      [cookie?.name, cookie?.secure, cookie?.httpOnly, cookie?.path, cookie?.domain, others.length],
      ['__Host-casemate', true, true, '/', 'localhost', 0],
    );
  });

  await t.test('a terminal works through a WebSocket, and lives on while the certificate is replaced', async () => {
    await page.getByText('Empty', { exact: true }).click();
    await page.getByLabel('Name').fill('over tls');
    await page.getByRole('button', { name: 'Create and open' }).click();
    await page.getByRole('button', { name: /Open a shell/ }).click({ timeout: 30_000 });
    await terminalShows(page, '❯');
    await page.locator('[data-terminal]:visible').click();
    await page.keyboard.type('echo before-$((40+2))\n');
    await terminalShows(page, 'before-42');
    const sockets: string[] = [];
    page.on('websocket', (socket) => sockets.push(socket.url()));

    const served = await fingerprint();
    await makeDevelopment(file('.'), ['dev.example.org'], false);
    await instance.until('the new certificate is served', async () => (await fingerprint()) !== served, 10_000);
    await page.keyboard.type('echo after-$((40+2))\n');
    await terminalShows(page, 'after-42');
    assert.deepEqual(sockets, [], 'on the WebSocket that was open');
    const workspace = /workspaces\/([A-Za-z0-9_-]+)/.exec(page.url())?.[1] ?? assert.fail(page.url());
    const stream = await page.evaluate(async (id) => {
      const abort = new AbortController();
      const answer = await fetch(`/api/v1/workspaces/${id}/events`, { signal: abort.signal });
      const first = await answer.body?.getReader().read();
      abort.abort();
      return [answer.status, answer.headers.get('content-type'), new TextDecoder().decode(first?.value).slice(0, 6)];
    }, workspace);
    assert.deepEqual(stream, [200, 'text/event-stream; charset=utf-8', ': open'], 'events come as they are made');
  });

  await t.test('a name below it has a certificate, and is not the app', async () => {
    const other = await browser.context.newPage();
    const answer = await other.goto(`https://3000-sample.casemate.localhost:${instance.port}/`);
    assert.equal(answer?.status(), 421);
    assert.ok(await answer?.securityDetails());
    await other.close();
  });

  await t.test('keys lie where root alone reads, and status shows what is served', async () => {
    for (const name of ['development.key', 'authority.pem']) {
      const { uid, mode } = await stat(file(name));
      assert.deepEqual([uid, mode & 0o777], [0, 0o600], name);
    }
    assert.equal((await stat(file('.'))).mode & 0o777, 0o700);
    const shown = await casemate(['tls', 'status', '--data', instance.data, '-o', 'json']);
    assert.equal(shown.code, 0, shown.output);
    const { files, served } = JSON.parse(shown.output.slice(shown.output.indexOf('{\n'))) as {
      files: { chain: string[] }[];
      served: { names: string[]; problem: string | null }[];
    };
    assert.equal(files[0]?.chain.length, 2);
    assert.ok(served[0]?.names.includes('*.dev.example.org'));
    assert.equal(served[0]?.problem, null);
    assert.ok(!(await readFile(path.join(instance.data, 'log/server.log'), 'utf8')).includes('PRIVATE KEY'));
  });
  assert.deepEqual(
    browser.complaints.filter((complaint) => !complaint.includes('421')),
    [],
  );
});
