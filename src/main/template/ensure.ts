import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { buildOnce, inCache, runsAsRoot } from '#main/prepare/cache.ts';
import { askTemplatesPip, type HostClients, readHostClients } from '#main/prepare/host-clients.ts';
import { runProgram } from '#main/prepare/program.ts';
import { buildTemplate } from '#main/template/build.ts';
import { digestOfRecipe, makeRecipe } from '#main/template/recipe.ts';

/**
 * The directory of templates for this machine's configuration (`base/rootfs` in it), building `base`
 * when nobody has, and that configuration. Needs root. The caller holds the cache's lock, so that two starts build it once.
 */
export async function ensureTemplate(): Promise<{ readonly directory: string; readonly clients: HostClients }> {
  if (!runsAsRoot()) throw new Error('the base template is built by root');
  const [asked, aptOptions] = await Promise.all([readHostClients(), readAptOptions()]);
  const npm = readdirSync(inCache('npm')).toSorted().at(-1) ?? '';
  const recipe = makeRecipe({ ...asked, npm, aptOptions, authorities: readAuthorities() });
  const target = inCache('templates', digestOfRecipe(recipe));
  await mkdir(inCache('templates'), { recursive: true, mode: 0o755 });
  if (!existsSync(target)) await buildOnce(target, (partial) => buildTemplate(recipe, partial));
  await pointAt(inCache('templates/base'), `${digestOfRecipe(recipe)}/base`);
  const clients = asked.pipIndex === '' ? { ...asked, ...(await askTemplatesPip(join(target, 'base/rootfs'))) } : asked;
  return { directory: target, clients };
}

/** `templates/base` is the newest one, for people and for tests; instances name theirs by digest. */
async function pointAt(link: string, target: string): Promise<void> {
  const fresh = `${link}.${process.pid}`;
  await symlink(target, fresh);
  await rename(fresh, link);
}

/** How this machine's APT reaches its archive: proxies and authorities, as options for mmdebstrap's own APT. */
async function readAptOptions(): Promise<string[]> {
  const dump = await runProgram('apt-config', ['dump']);
  return dump
    .split('\n')
    .filter(
      (line) =>
        /^Acquire::(https?::(Proxy|CaInfo|Verify-Peer)|Check-Date|Check-Valid-Until)\b/i.test(line) && !/""/.test(line),
    );
}

/** Authorities that an administrator added to this machine, PEM; '' when there is none. */
function readAuthorities(): string {
  const folder = '/usr/local/share/ca-certificates';
  const added = existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.crt'))
        .toSorted()
    : [];
  const own = added.flatMap((name) => certificatesIn(join(folder, name)));
  // A whole bundle is the distribution's own list under another name, which the template has.
  const extra = process.env.NODE_EXTRA_CA_CERTS ? certificatesIn(process.env.NODE_EXTRA_CA_CERTS) : [];
  const all = extra.length <= 20 ? [...own, ...extra] : own;
  return [...new Set(all)].map((certificate) => `${certificate}\n`).join('');
}

function certificatesIn(file: string): string[] {
  return readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}
