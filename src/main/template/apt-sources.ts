/** One archive that APT reads: a line of sources.list, or one combination of a deb822 stanza. */
export interface AptEntry {
  readonly url: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** A keyring's path, or null for the system's. Keys written out in a stanza are not supported. */
  readonly signedBy: string | null;
}

/** Parses both forms of sources; disabled stanzas, sources of source code and comments are left out. */
export function aptEntries(text: string): AptEntry[] {
  return [...oneLineEntries(text), ...stanzaEntries(text)];
}

function oneLineEntries(text: string): AptEntry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line.trim());
    if (!match?.[2] || !match[3] || !match[4]) return [];
    const signedBy = /(?:^|\s)signed-by=(\S+)/.exec(match[1] ?? '')?.[1] ?? null;
    return [{ url: match[2], suite: match[3], components: match[4].trim().split(/\s+/), signedBy }];
  });
}

function stanzaEntries(text: string): AptEntry[] {
  const withoutComments = text.split('\n').filter((line) => !line.startsWith('#'));
  return withoutComments
    .join('\n')
    .split(/\n\s*\n/)
    .flatMap((stanza) => {
      const field = (name: string): string[] =>
        new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(stanza)?.[1]?.trim().split(/\s+/).filter(Boolean) ?? [];
      if (!field('Types').includes('deb') || field('Enabled')[0]?.toLowerCase() === 'no') return [];
      const signedBy = field('Signed-By').find((word) => word.startsWith('/')) ?? null;
      return field('URIs').flatMap((url) =>
        field('Suites').map((suite) => ({ url, suite, components: field('Components'), signedBy })),
      );
    });
}

/** The one-line form, which mmdebstrap reads from standard input. */
export function aptLine(entry: AptEntry): string {
  const options = entry.signedBy ? `[signed-by=${entry.signedBy}] ` : '';
  return `deb ${options}${entry.url} ${entry.suite} ${entry.components.join(' ')}`;
}
