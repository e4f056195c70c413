import type { Destination, DestinationSet } from '#contract/policy.ts';

const web = [443];

/**
 * The named sets that do not depend on the machine. Each host here is a way out for whoever may use
 * it: a git host takes pushes, and a CDN serves what anybody put there.
 */
export const fixedDestinations: Readonly<Record<'git' | 'models', readonly Destination[]>> = Object.freeze({
  git: [
    { host: 'github.com', ports: web },
    { host: 'api.github.com', ports: web },
    // Archives and release files; git-lfs objects.
    { host: 'codeload.github.com', ports: web },
    { host: '*.githubusercontent.com', ports: web },
    { host: 'github-cloud.s3.amazonaws.com', ports: web },
    { host: 'gitlab.com', ports: web },
    { host: 'bitbucket.org', ports: web },
    { host: 'codeberg.org', ports: web },
  ],
  models: [
    { host: 'api.anthropic.com', ports: web },
    { host: 'api.openai.com', ports: web },
    { host: 'generativelanguage.googleapis.com', ports: web },
    { host: 'api.mistral.ai', ports: web },
    { host: 'openrouter.ai', ports: web },
  ],
});

/** The destination of an `http(s)` URL, or null for anything else. */
export function destinationOfUrl(text: string): Destination | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === '') return null;
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return { host: url.hostname, ports: [port] };
}

/** Merges destinations of one host, and drops repetitions. */
export function mergeDestinations(destinations: readonly Destination[]): Destination[] {
  const byHost = new Map<string, Set<number>>();
  for (const { host, ports } of destinations) {
    const known = byHost.get(host) ?? new Set<number>();
    for (const port of ports) known.add(port);
    byHost.set(host, known);
  }
  return [...byHost].map(([host, ports]) => ({ host, ports: [...ports].toSorted((a, b) => a - b) }));
}

/** The URLs of APT's sources, from one-line (`deb …`) and deb822 (`URIs: …`) files alike. */
export function aptSourceUrls(text: string): string[] {
  const urls: string[] = [];
  let enabled = true;
  let stanza: string[] = [];
  const flush = (): void => {
    if (enabled) urls.push(...stanza);
    stanza = [];
    enabled = true;
  };
  for (const line of text.split('\n')) {
    if (line.trim() === '') flush();
    else if (/^enabled:\s*no/i.test(line)) enabled = false;
    else if (/^uris:/i.test(line)) stanza.push(...line.slice(5).trim().split(/\s+/));
    else {
      const oneLine = /^deb(?:-src)?\s+(?:\[[^\]]*\]\s+)?(\S+)/.exec(line);
      if (oneLine?.[1]) urls.push(oneLine[1]);
    }
  }
  flush();
  return [...new Set(urls)];
}

export type DestinationSets = Record<DestinationSet, Destination[]>;
