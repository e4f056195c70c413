import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, chown, copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { inCache, runsAsRoot } from '#main/prepare/cache.ts';
import { npmProgram } from '#main/prepare/host-clients.ts';
import { runProgram } from '#main/prepare/program.ts';

const builder = 'casemate-build';
/** How this machine reaches its registry: passed on by value, because the builder cannot read root's files. */
const clientSettings = ['registry', 'proxy', 'https-proxy', 'noproxy', 'strict-ssl'] as const;
const certificateVariables = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'] as const;

/** A directory and a user to build in: what npm and Vite run as is not root, and owns nothing else (H17). */
export interface Builder extends AsyncDisposable {
  readonly directory: string;
  run(command: string, commandArguments: readonly string[]): Promise<void>;
}

/**
 * A fresh scratch directory. As root its programs run as `casemate-build`; otherwise as the caller. With
 * `registry` they are told how this machine reaches its own.
 */
export async function openBuilder({ registry }: { readonly registry: boolean }): Promise<Builder> {
  const asRoot = runsAsRoot();
  const identity = asRoot ? await builderIdentity() : null;
  await mkdir(inCache('build'), { recursive: true, mode: 0o711 });
  const directory = inCache('build', randomBytes(8).toString('hex'));
  await mkdir(directory, { mode: 0o700 });
  await mkdir(join(directory, 'home'));
  const environment = registry ? await registryEnvironment(directory) : plainEnvironment(directory);
  if (identity) {
    for (const path of [directory, join(directory, 'home')]) await chown(path, identity.uid, identity.gid);
    for (const file of ['npmrc', 'ca.pem', 'extra-ca.pem']) {
      const path = join(directory, 'home', file);
      if (await stat(path).catch(() => null)) await chown(path, identity.uid, identity.gid);
    }
  }
  return {
    directory,
    async run(command, commandArguments) {
      const [program, programArguments] = identity
        ? [
            'setpriv',
            [`--reuid=${identity.uid}`, `--regid=${identity.gid}`, '--clear-groups', '--no-new-privs', '--', command],
          ]
        : [command, []];
      await runProgram(program, [...programArguments, ...commandArguments], { cwd: directory, environment });
    },
    async [Symbol.asyncDispose]() {
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function builderIdentity(): Promise<{ uid: number; gid: number }> {
  const known = await runProgram('id', ['-u', builder]).catch(() => null);
  if (known === null) {
    await runProgram('useradd', [
      '--system',
      '--no-create-home',
      '--user-group',
      '--shell',
      '/usr/sbin/nologin',
      builder,
    ]);
  }
  return {
    uid: Number(await runProgram('id', ['-u', builder])),
    gid: Number(await runProgram('id', ['-g', builder])),
  };
}

const plainEnvironment = (directory: string): NodeJS.ProcessEnv => ({
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: join(directory, 'home'),
  LANG: 'C.UTF-8',
});

async function registryEnvironment(directory: string): Promise<NodeJS.ProcessEnv> {
  const home = join(directory, 'home');
  const environment: NodeJS.ProcessEnv = {
    ...plainEnvironment(directory),
    npm_config_cache: join(home, 'npm-cache'),
    npm_config_userconfig: join(home, 'npmrc'),
    npm_config_update_notifier: 'false',
    npm_config_ignore_scripts: 'true',
  };
  for (const name of clientSettings) {
    const value = await npmSetting(name);
    if (value !== '') environment[`npm_config_${name.replaceAll('-', '_')}`] = value;
  }
  const authority = await npmSetting('cafile');
  if (authority !== '') environment.npm_config_cafile = await copyIn(authority, join(home, 'ca.pem'));
  for (const name of certificateVariables) {
    const path = process.env[name];
    if (path) environment[name] = await copyIn(path, join(home, 'extra-ca.pem'));
  }
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']) {
    if (process.env[name]) environment[name] = process.env[name];
  }
  // Registry tokens live in the user's own file and have no other form; the copy goes with the scratch directory.
  const userSettings = await readFile(process.env.NPM_CONFIG_USERCONFIG ?? join(homedir(), '.npmrc'), 'utf8').catch(
    () => '',
  );
  const tokens = userSettings.split('\n').filter((line) => line.startsWith('//') || /^@[^:]+:registry/.test(line));
  await writeFile(join(home, 'npmrc'), `${tokens.join('\n')}\n`, { mode: 0o600 });
  return environment;
}

/** What npm says a setting is, '' when unset. */
async function npmSetting(name: string): Promise<string> {
  const { command, prefix } = npmProgram();
  const value = (await runProgram(command, [...prefix, 'config', 'get', name])).trim();
  return value === 'null' || value === 'undefined' ? '' : value;
}

async function copyIn(from: string, to: string): Promise<string> {
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  await chmod(to, 0o644);
  return to;
}
