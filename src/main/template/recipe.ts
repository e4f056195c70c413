import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aptEntries, type AptEntry } from '#main/template/apt-sources.ts';

/** Counts changes of how a template is finished, so that an old one is not taken for a new one. */
const generation = 2;

const packages = [
  'bash-completion',
  'ca-certificates',
  'curl',
  'git',
  'jq',
  'less',
  'make',
  'openssh-client',
  'patch',
  'procps',
  'python3',
  'python3-pip',
  'python3-venv',
  'ripgrep',
  'unzip',
  'vim-tiny',
  'xz-utils',
  'zip',
] as const;

/** All that decides what the base template becomes. Its digest names the directory. */
export interface Recipe {
  readonly generation: number;
  readonly suite: string;
  readonly packages: readonly string[];
  readonly sources: readonly AptEntry[];
  readonly aptOptions: readonly string[];
  readonly node: string;
  readonly npm: string;
  /** Written into the template so that a company's mirrors work inside; '' where the default does. */
  readonly npmRegistry: string;
  readonly pipIndex: string;
  /** PEM of the host's additional authorities, which those mirrors may need. */
  readonly authorities: string;
}

export interface RecipeInputs {
  readonly npmRegistry: string;
  readonly pipIndex: string;
  readonly npm: string;
  readonly aptOptions: readonly string[];
  readonly authorities: string;
}

/** Credentials in a mirror's URL stay outside: such a URL is left out, and the default is used. */
function withoutCredentials(url: string): string {
  if (!URL.canParse(url)) return '';
  const { username, password } = new URL(url);
  return username === '' && password === '' ? url : '';
}

export function makeRecipe(inputs: RecipeInputs): Recipe {
  const release = readFileSync('/etc/os-release', 'utf8');
  const suite = /^VERSION_CODENAME=(.*)$/m.exec(release)?.[1]?.replaceAll('"', '') ?? '';
  const sources = hostSources().filter((entry) => isDistribution(entry, suite));
  if (suite === '' || sources.length === 0) {
    throw new Error(
      "the base template is made from this machine's own Debian or Ubuntu sources, and /etc/apt names none for its release",
    );
  }
  return {
    generation,
    suite,
    packages,
    sources,
    aptOptions: inputs.aptOptions,
    node: process.versions.node,
    npm: inputs.npm,
    npmRegistry: withoutCredentials(inputs.npmRegistry),
    pipIndex: withoutCredentials(inputs.pipIndex),
    authorities: inputs.authorities,
  };
}

export const digestOfRecipe = (recipe: Recipe): string =>
  createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 32);

/** The distribution's own archive: its release, updates or security; not what was added beside it. */
function isDistribution(entry: AptEntry, suite: string): boolean {
  return [suite, `${suite}-updates`, `${suite}-security`].includes(entry.suite) && entry.components.includes('main');
}

function hostSources(): AptEntry[] {
  const folder = '/etc/apt/sources.list.d';
  const files = ['/etc/apt/sources.list'];
  if (existsSync(folder))
    files.push(
      ...readdirSync(folder)
        .toSorted()
        .map((name) => join(folder, name)),
    );
  return files
    .filter((file) => /\.(list|sources)$/.test(file) && existsSync(file))
    .flatMap((file) => aptEntries(readFileSync(file, 'utf8')));
}
