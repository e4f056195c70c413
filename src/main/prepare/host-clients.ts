import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  aptSourceUrls,
  type DestinationSets,
  destinationOfUrl,
  fixedDestinations,
  mergeDestinations,
} from '#config/destinations.ts';
import { inCache } from '#main/prepare/cache.ts';
import { runProgram } from '#main/prepare/program.ts';

/** How this machine's own npm, pip and apt are set up: where sandboxes may fetch packages, and how. */
export interface HostClients {
  readonly npmRegistry: string;
  /** The index that pip uses, and what else it fetches from; empty when there is no pip to ask. */
  readonly pipIndex: string;
  readonly pipHosts: readonly string[];
  readonly aptUrls: readonly string[];
}

/** npm as the launcher fetched it, on the Node that runs this. */
export function npmProgram(): { command: string; prefix: readonly string[] } {
  const versions = existsSync(inCache('npm')) ? readdirSync(inCache('npm')) : [];
  const version = versions.toSorted().at(-1);
  return version
    ? { command: process.execPath, prefix: [inCache('npm', version, 'bin/npm-cli.js')] }
    : { command: 'npm', prefix: [] };
}

const askPip = [
  'import sys',
  'from pip._internal.configuration import Configuration',
  'from pip._internal.models.index import PyPI',
  'settings = Configuration(isolated=False)',
  'settings.load()',
  'values = dict(settings.items())',
  'flat = {key: value for part in values.values() for key, value in part.items()} if values and isinstance(next(iter(values.values())), dict) else values',
  "index = next((value for key, value in flat.items() if key.endswith('.index-url')), PyPI.simple_url)",
  "extra = [word for key, value in flat.items() if key.endswith('.extra-index-url') for word in value.split()]",
  'print(index)',
  'print("\\n".join(extra))',
  'print("https://" + PyPI.file_storage_domain + "/" if index == PyPI.simple_url else "")',
].join('\n');

/** Reads the clients' configuration by asking them. */
export async function readHostClients(): Promise<HostClients> {
  const { command, prefix } = npmProgram();
  const [npmRegistry, pip] = await Promise.all([
    runProgram(command, [...prefix, 'config', 'get', 'registry'], { cwd: '/' }),
    // A machine without pip is fine: the template's answers then.
    runProgram('/usr/bin/python3', ['-c', askPip], { cwd: '/' }).catch(() => ''),
  ]);
  return { npmRegistry: npmRegistry.trim(), aptUrls: aptUrls(), ...parsePip(pip) };
}

/** What the pip in a template says, for hosts without one. */
export async function askTemplatesPip(rootfs: string): Promise<Pick<HostClients, 'pipIndex' | 'pipHosts'>> {
  return parsePip(await runProgram('chroot', [rootfs, '/usr/bin/python3', '-c', askPip]));
}

function parsePip(printed: string): Pick<HostClients, 'pipIndex' | 'pipHosts'> {
  const [pipIndex = '', ...pipHosts] = printed.split('\n').filter((line) => line !== '');
  return { pipIndex, pipHosts };
}

function aptUrls(): string[] {
  const files = ['/etc/apt/sources.list'];
  const folder = '/etc/apt/sources.list.d';
  if (existsSync(folder)) {
    files.push(
      ...readdirSync(folder)
        .filter((name) => /\.(list|sources)$/.test(name))
        .map((name) => join(folder, name)),
    );
  }
  return files.filter((file) => existsSync(file)).flatMap((file) => aptSourceUrls(readFileSync(file, 'utf8')));
}

/** The destinations behind the named sets of policies, for the broker. */
export function destinationSetsOf(clients: HostClients): DestinationSets {
  const from = (urls: readonly string[]) =>
    mergeDestinations(
      urls.flatMap((url) => {
        const destination = destinationOfUrl(url);
        return destination ? [destination] : [];
      }),
    );
  return {
    git: [...fixedDestinations.git],
    models: [...fixedDestinations.models],
    npm: from([clients.npmRegistry]),
    pypi: from([clients.pipIndex, ...clients.pipHosts]),
    debian: from(clients.aptUrls),
  };
}
