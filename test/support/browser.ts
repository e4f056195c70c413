import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

const run = promisify(execFile);

/** Debian's Chromium, headless, in a profile of its own that is removed at the end. */
export interface Browser extends AsyncDisposable {
  readonly context: BrowserContext;
  /** What pages said on their console as errors, and requests that left the origin. */
  readonly complaints: string[];
  page(): Promise<Page>;
}

export async function startBrowser(
  viewport = { width: 1440, height: 900 },
  /** A file with an authority that it trusts, as a person would import it. */
  authority?: string,
): Promise<Browser> {
  const profile = await mkdtemp(path.join(tmpdir(), 'casemate-browser-'));
  if (authority !== undefined) await trustAuthority(profile, authority);
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    ...(authority === undefined ? {} : { env: { ...definedEnvironment(), HOME: profile } }),
    viewport,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // Without it the terminal draws its text into a WebGL canvas, where no test can read it.
      '--disable-3d-apis',
    ],
  });
  const complaints: string[] = [];
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.text()} ${message.location().url}`);
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  return {
    context,
    complaints,
    page: async () => context.pages()[0] ?? context.newPage(),
    async [Symbol.asyncDispose]() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** Chromium on Linux reads its user's NSS database. */
async function trustAuthority(home: string, authority: string): Promise<void> {
  const database = path.join(home, '.pki/nssdb');
  await mkdir(database, { recursive: true });
  await run('certutil', ['-d', `sql:${database}`, '-N', '--empty-password']);
  await run('certutil', ['-d', `sql:${database}`, '-A', '-t', 'C,,', '-n', 'casemate', '-i', authority]);
}

const definedEnvironment = (): Record<string, string> =>
  Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));

/** The text that the visible terminal shows, row by row. */
export async function terminalText(page: Page): Promise<string> {
  const rows = await page.locator('[data-terminal]:visible .xterm-rows > div').allTextContents();
  return rows.map((row) => row.replaceAll('\u00a0', ' ').trimEnd()).join('\n');
}

/** Waits until the visible terminal shows `what`. */
export async function terminalShows(page: Page, what: string | RegExp, patienceMs = 20_000): Promise<string> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const text = await terminalText(page);
    if (typeof what === 'string' ? text.includes(what) : what.test(text)) return text;
    if (Date.now() > deadline) throw new Error(`the terminal never showed ${String(what)}; it shows:\n${text}`);
    await page.waitForTimeout(100);
  }
}
