import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { type Browser, startBrowser, terminalShows } from '../support/browser.ts';
import { casemate, lacking, temporaryInstance } from '../support/instance.ts';

const password = 'umbrella-tadpole-seventeen-copper';
const widths = [1440, 768, 390] as const;
const reason = lacking();
const shots = process.env.SCREENSHOTS;

let directory: string;
let instance: Awaited<ReturnType<typeof temporaryInstance>>;
let browser: Browser;
let page: Page;

before(
  async () => {
    if (reason) return;
    directory = await mkdtemp(path.join(tmpdir(), 'casemate-pages-'));
    await writeFile(path.join(directory, 'password'), password, { mode: 0o600 });
    instance = await temporaryInstance();
    const started = await casemate(['up', '--detach', ...instance.flags], {
      CASEMATE_OWNER_EMAIL: 'ada@example.org',
      CASEMATE_OWNER_PASSWORD_FILE: path.join(directory, 'password'),
    });
    assert.equal(started.code, 0, started.output);
    browser = await startBrowser();
    page = await browser.page();
  },
  { timeout: 150_000 },
);

after(async () => {
  if (reason) return;
  await browser?.[Symbol.asyncDispose]();
  await instance?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

interface AxeResult {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
  readonly passes: readonly unknown[];
}

/** No finding of axe by WCAG 2.2 AA, and nothing wider than the window, at every width and in both schemes. */
async function examine(name: string): Promise<void> {
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    for (const width of widths) {
      await page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
      await page.waitForTimeout(350);
      await page.evaluate(axe.source);
      const result = await page.evaluate(async () => {
        const page = globalThis as unknown as { axe: { run(options: object): Promise<AxeResult> } };
        return page.axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] });
      });
      if (shots) await page.screenshot({ path: path.join(shots, `${name}-${width}-${scheme}.png`) });
      assert.ok(result.passes.length > 5, `axe looked at nothing on ${name}`);
      const found = result.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
      assert.deepEqual(found, [], `${name} at ${width}, ${scheme}`);
      const overflow = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
      assert.ok(Number(overflow) <= 0, `${name} is ${String(overflow)} px wider than ${width}`);
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1440, height: 900 });
}

const origin = () => `http://localhost:${instance.port}`;

function step(name: string, work: () => Promise<void>): void {
  void test(name, { timeout: 150_000 }, async (t) => {
    if (reason) return t.skip(reason);
    return work();
  });
}

step('the sign-in page, also after a wrong password', async () => {
  await page.goto(`${origin()}/`);
  await page.waitForURL('**/sign-in**');
  await page.getByLabel('E-mail address').fill('ada@example.org');
  await page.getByLabel('Password', { exact: true }).fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText(/wrong/i).first().waitFor();
  await examine('sign-in');
});

step('the list of workspaces when it is empty, and the dialog that makes one', async () => {
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL('**/workspaces**');
  await examine('workspaces-empty');
  await page.getByRole('button', { name: /first workspace/i }).click();
  await page.getByRole('dialog').waitFor();
  await examine('create-dialog');
});

step('git URLs that cannot be used are refused in the dialog with words', async () => {
  for (const url of ['ext::sh -c id', 'file:///etc', '-u', 'https://user:secret@example.org/x', 'git@example.org:x']) {
    await page.getByLabel('Git URL').fill(url);
    await page.getByLabel('Name', { exact: true }).fill('refused');
    await page.getByRole('button', { name: 'Clone and open' }).click();
    await page.locator('[aria-invalid=true]').waitFor();
    assert.ok(page.url().endsWith('/workspaces') || page.url().includes('/workspaces?'), url);
  }
});

step('the workspace page with nothing running, and with a terminal', async () => {
  await page.getByText('Empty', { exact: true }).click();
  await page.getByLabel('Name', { exact: true }).fill('Pages');
  await page.getByRole('button', { name: 'Create and open' }).click();
  await page.getByRole('button', { name: /Open a shell/ }).waitFor({ timeout: 30_000 });
  await examine('workspace-idle');
  await page.getByRole('button', { name: /Open a shell/ }).click();
  await terminalShows(page, '❯');
  await examine('workspace-terminal');
});

step('two pages show the same terminal, and what one types the other sees', async () => {
  const other = await browser.context.newPage();
  await other.goto(page.url());
  await terminalShows(other, '❯');
  await page.bringToFront();
  await page.locator('[data-terminal]:visible').click();
  await page.keyboard.type('echo seen-by-$((40 + 2))\n');
  await terminalShows(page, /^seen-by-42$/m);
  await other.bringToFront();
  await terminalShows(other, /^seen-by-42$/m);
  await other.close();
});

step('the activity and the settings', async () => {
  await page.goto(`${origin()}/activity`);
  await page
    .getByText(/opened a terminal/)
    .first()
    .waitFor();
  await examine('activity');
  await page.goto(`${origin()}/settings`);
  await page.getByText('anthropic', { exact: false }).first().waitFor();
  await examine('settings');
});

step('the list of workspaces with one in it, and no page broke a policy of the browser', async () => {
  await page.goto(`${origin()}/workspaces`);
  await page.getByText('Pages', { exact: true }).first().waitFor();
  await examine('workspaces');
  const violations = browser.complaints.filter((text) =>
    /Content Security Policy|TrustedHTML|Trusted Type/i.test(text),
  );
  assert.deepEqual(violations, []);
});
