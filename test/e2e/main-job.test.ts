import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { type Browser, startBrowser, terminalShows, terminalText } from '../support/browser.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { type ModelProvider, startModelProvider } from '../support/model-provider.ts';
import { sandboxProcesses, searchMemory } from '../support/process-memory.ts';
import { watchTerminal } from '../support/terminal-watch.ts';
import { casemate, lacking, temporaryInstance } from '../support/instance.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');
const password = 'correct horse battery staple 42';
/** Unique to this run, so that finding it anywhere inside is finding the key. */
const key = `sk-${Buffer.from(crypto.getRandomValues(new Uint8Array(18))).toString('hex')}`;
const reason = lacking();
const shots = process.env.SCREENSHOTS;

let instance: Awaited<ReturnType<typeof temporaryInstance>>;
let git: GitServer;
let provider: ModelProvider;
let browser: Browser;
let page: Page;
let repositories: string;

async function shot(name: string): Promise<void> {
  if (!shots || !page) return;
  await mkdir(shots, { recursive: true });
  await page.screenshot({ path: path.join(shots, `${name}.png`) });
}

before(
  async () => {
    if (reason) return;
    repositories = await mkdtemp(path.join(tmpdir(), 'casemate-repositories-'));
    // A clone of a shallow checkout is refused over HTTP; a full history is there or is made here.
    await run('git', ['clone', '--quiet', '--bare', '--no-local', root, path.join(repositories, 'casemate.git')]);
    git = await startGitServer({ directory: repositories });
    provider = await startModelProvider();
    instance = await temporaryInstance();
    const started = await casemate(['up', '--detach', ...instance.flags], {
      CASEMATE_PRIVATE_DESTINATIONS: `127.0.0.2:${git.port},127.0.0.2:${provider.port}`,
    });
    assert.equal(started.code, 0, started.output);
    await instance.until('the instance is ready', () => instance.status().ready, 60_000);
    browser = await startBrowser();
    page = await browser.page();
  },
  { timeout: 150_000 },
);

after(async () => {
  if (reason) return;
  await browser?.[Symbol.asyncDispose]();
  await instance?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
  await git?.[Symbol.asyncDispose]();
  await rm(repositories, { recursive: true, force: true });
});

/** Runs a command in the visible terminal and waits for what it prints. */
async function type(command: string): Promise<void> {
  await page.locator('[data-terminal]:visible').click();
  await page.keyboard.type(`${command}\n`);
}

function step(name: string, work: () => Promise<void>): void {
  void test(name, { timeout: 120_000 }, async (t) => {
    if (reason) return t.skip(reason);
    try {
      return await work();
    } catch (error) {
      await shot(`failed-${name.replaceAll(/[^a-z]+/gi, '-').slice(0, 60)}`);
      throw error;
    }
  });
}

step('the set-up link makes the owner, and a second use of it is refused', async () => {
  const link = `http://localhost:${instance.port}${instance.status().setupPath}`;
  await page.goto(link);
  await page.getByLabel('Your name').fill('Ada Lovelace');
  await page.getByLabel('E-mail address').fill('ada@example.org');
  await page.getByLabel('Password', { exact: true }).fill(password);
  await shot('setup');
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.waitForURL('**/workspaces**');
  const again = await fetch(`http://127.0.0.1:${instance.port}/api/v1/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', host: `localhost:${instance.port}` },
    body: JSON.stringify({ token: link.split('#')[1], email: 'eve@example.org', name: 'Eve', password }),
  });
  assert.ok([403, 409, 421].includes(again.status), `status ${again.status}`);
});

step('the key of a model provider is set from standard input and never shown', async () => {
  const { code, output } = await casemate(
    ['secret', 'set', 'anthropic', '--url', provider.origin, '--data', instance.data],
    {},
    key,
  );
  assert.equal(code, 0, output);
  assert.ok(!output.includes(key));
});

step('a repository with history is cloned while the page tells how far it is', async () => {
  await page.getByLabel('Git URL').fill(git.url('casemate.git'));
  await page.getByRole('button', { name: 'Clone and open' }).click();
  await page.getByRole('button', { name: /Open a shell/ }).waitFor({ timeout: 60_000 });
  await page.getByRole('treeitem', { name: 'package.json' }).waitFor();
});

step('a terminal runs git, node and python with colours, and follows the size of the window', async () => {
  await page.getByRole('button', { name: /Open a shell/ }).click();
  await terminalShows(page, '❯');
  const { stdout: head } = await run('git', ['-C', root, 'log', '-1', '--format=%h']);
  await type(
    'git --no-pager log --oneline -3; node -p "6*7"; python3 -c "print(40+3)"; printf "\\033[1;31mred\\033[0m\\n"',
  );
  const text = await terminalShows(page, /^43$/m);
  assert.match(text, new RegExp(head.trim()));
  assert.match(text, /^42$/m);
  await terminalShows(page, /^red$/m);
  const red = page.locator('[data-terminal]:visible .xterm-rows span', { hasText: /^red$/ });
  assert.match((await red.getAttribute('class')) ?? '', /xterm-fg-1|xterm-fg-9/);
  await type('stty size | tr " " x; echo size');
  const before = /(\d+)x(\d+)/.exec(await terminalShows(page, /^\d+x\d+\s*\nsize$/m));
  await page.setViewportSize({ width: 1200, height: 700 });
  await page.waitForTimeout(800);
  await type('clear; stty size | tr " " x; echo resized');
  const now = /(\d+)x(\d+)/.exec(await terminalShows(page, /^\d+x\d+\s*\nresized$/m));
  assert.ok(Number(now?.[1]) < Number(before?.[1]), `rows ${before?.[1]} → ${now?.[1]}`);
  assert.ok(Number(now?.[2]) < Number(before?.[2]), `columns ${before?.[2]} → ${now?.[2]}`);
  await page.setViewportSize({ width: 1440, height: 900 });
});

step('a file written in the terminal appears in the tree and can be read', async () => {
  await type('clear; echo "written inside" > made-here.txt');
  const file = page.getByRole('treeitem', { name: 'made-here.txt' });
  await file.waitFor({ timeout: 15_000 });
  await file.click();
  await page.getByText('written inside').waitFor();
  await page.getByRole('tab', { name: /Shell/ }).click();
});

step('a reload shows the same screen', async () => {
  await type('clear; printf "\\033[2J\\033[5;10Hplaced at row five\\033[10;1H"; cat made-here.txt');
  await terminalShows(page, 'written inside');
  await page.waitForTimeout(700);
  const before = await terminalText(page);
  await page.reload();
  await terminalShows(page, 'placed at row five');
  await page.waitForTimeout(700);
  assert.equal(await terminalText(page), before);
});

step('a request through /anthropic carries the real key, which nothing inside ever held', async () => {
  await type(
    'clear; curl -sSN "$ANTHROPIC_BASE_URL/v1/messages" -H "x-api-key: $ANTHROPIC_API_KEY" -H "authorization: Bearer guest" -d "{}"; echo end-of-answer',
  );
  await terminalShows(page, /message_stop[\s\S]*end-of-answer/);
  const request = provider.requests.at(-1);
  assert.equal(request?.headers['x-api-key'], key);
  assert.equal(request?.headers['authorization'], undefined);
  await type(
    `clear; env | grep -c "${key.slice(0, 12)}"; grep -rsl "${key.slice(0, 12)}" ~ /tmp /etc /run /dev/shm | wc -l; echo searched`,
  );
  assert.match(await terminalShows(page, /searched$/m), /^0\n0\nsearched$/m);
  const { instance: name } = JSON.parse(await readFile(path.join(instance.data, 'config/warden.json'), 'utf8'));
  const pids = sandboxProcesses(name);
  assert.ok(pids.length >= 2, `looked at ${pids.length} processes`);
  // The shell's own memory holds what was typed into it; the key was not.
  const looks = pids.map((pid) => searchMemory(pid, Buffer.from(key)));
  assert.ok(looks.reduce((sum, { bytes }) => sum + bytes, 0) > 100_000);
  assert.ok(looks.every(({ found }) => !found));
  await page.getByText('anthropic', { exact: false }).first().waitFor();
});

step('what the policy does not name is refused, shown, and allowed by a click', async () => {
  await type(
    'clear; git --no-pager log --graph --oneline --color -10; ls --color; curl -sS -o /dev/null http://127.0.0.3:9/ ; curl -sS https://not-allowed.example/ ; echo tried',
  );
  await terminalShows(page, /tried$/m);
  const row = page.locator('li', { hasText: 'not-allowed.example' }).first();
  await row.waitFor();
  await shot('workspace-1440');
  await row.getByRole('button', { name: 'Allow for this workspace' }).click();
  await page.getByText('not-allowed.example may be reached now', { exact: true }).waitFor();
});

step('kill -9 of the server in mid-output: the page reconnects by itself and no byte is missing', async () => {
  const watch = watchTerminal(page);
  await page.reload();
  await terminalShows(page, 'tried');
  await type('clear; for i in $(seq 1 4000); do echo "line $i of the counter"; sleep 0.002; done; echo counted-all');
  await terminalShows(page, /line 300 of/);
  const killed = instance.pid('server');
  process.kill(killed, 'SIGKILL');
  const banner = page.getByText('The connection is lost.');
  const lostAt = Date.now();
  await banner.waitFor({ timeout: 5000 });
  assert.ok(Date.now() - lostAt < 3000, `the banner came after ${Date.now() - lostAt} ms`);
  await terminalShows(page, /^counted-all$/m, 60_000);
  assert.notEqual(instance.pid('server'), killed);
  assert.ok(watch.sockets >= 2);
  const text = watch.bytes().toString('utf8');
  const lines = [...text.matchAll(/line (\d+) of the counter/g)].map((match) => Number(match[1]));
  assert.deepEqual(
    lines,
    Array.from({ length: 4000 }, (_, index) => index + 1),
  );
});

step('the trail tells all of it, and its chain verifies offline', async () => {
  const exported = await casemate(['audit', 'export', '--data', instance.data]);
  assert.equal(exported.code, 0, exported.output);
  for (const event of [
    'setup.completed',
    'secret.set',
    'workspace.created',
    'workspace.cloned',
    'terminal.opened',
    'egress.refused',
    'policy.changed',
  ]) {
    assert.ok(exported.output.includes(`"${event}"`), `${event} is not in the trail`);
  }
  assert.ok(!exported.output.includes(key));
  const verified = await casemate(['audit', 'verify', '--data', instance.data, '-'], {}, exported.output);
  assert.equal(verified.code, 0, verified.output);
});

step('on a phone the same terminal is there, with its keys', async () => {
  await type('clear; git status -sb; git --no-pager log --oneline --color -8; echo small-enough');
  await terminalShows(page, /^small-enough$/m);
  await page.setViewportSize({ width: 390, height: 844 });
  await page
    .getByRole('navigation', { name: 'Main' })
    .or(page.getByRole('button', { name: 'Files' }))
    .first()
    .waitFor();
  await terminalShows(page, /^small-enough$/m);
  await page.waitForTimeout(600);
  await shot('workspace-390');
  await page.setViewportSize({ width: 1440, height: 900 });
});

step('signing out ends the session at once', async () => {
  await page.goto(`http://localhost:${instance.port}/settings`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL('**/sign-in**');
  const session = await page.evaluate(async () => (await fetch('/api/v1/session')).json());
  assert.equal((session as { user: unknown }).user, null);
  assert.deepEqual(
    browser.complaints.filter(
      (complaint) =>
        !/ERR_CONNECTION_REFUSED|WebSocket connection|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED_ENCODING/.test(
          complaint,
        ),
    ),
    [],
  );
});
