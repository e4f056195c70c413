/** A version of an OCI runtime that lets what runs in it out, and the first that does not. */
interface KnownBad {
  readonly runtime: 'crun' | 'runc' | 'runsc';
  /** Versions from `since` (inclusive) to `until` (exclusive) are affected. */
  readonly since: string;
  readonly until: string;
  readonly advisory: string;
  readonly consequence: 'refuse' | 'warn';
  /** Only builds that print this among their features are affected. */
  readonly feature?: string;
}

/**
 * Published escapes. runc leaked a descriptor of the host's directories (CVE-2024-21626) and followed
 * links while it mounted (CVE-2025-31133, -52565, -52881). crun's krun handler wrote where the
 * container's own files said (CVE-2025-24965); it is not used here, hence a warning only.
 */
const knownBad: readonly KnownBad[] = [
  { runtime: 'crun', since: '0', until: '1.4.4', advisory: 'CVE-2022-27650', consequence: 'refuse' },
  { runtime: 'crun', since: '0', until: '1.20', advisory: 'CVE-2025-24965', consequence: 'warn', feature: '+LIBKRUN' },
  { runtime: 'runc', since: '0', until: '1.1.12', advisory: 'CVE-2024-21626', consequence: 'refuse' },
  { runtime: 'runc', since: '1.1.12', until: '1.2.8', advisory: 'CVE-2025-31133', consequence: 'refuse' },
  { runtime: 'runc', since: '1.3', until: '1.3.3', advisory: 'CVE-2025-31133', consequence: 'refuse' },
];

const numbers = (version: string): number[] => version.split('.').map((part) => Number.parseInt(part, 10) || 0);

/** Negative when `a` is older than `b`. */
export function compareVersions(a: string, b: string): number {
  const left = numbers(a);
  const right = numbers(b);
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export interface RuntimeVerdict {
  readonly verdict: 'ok' | 'warn' | 'bad';
  readonly reason: string;
}

/** Judges what `<runtime> --version` prints. `now` is milliseconds since the epoch. */
export function judgeRuntime(runtime: 'crun' | 'runc' | 'runsc', printed: string, now: number): RuntimeVerdict {
  if (runtime === 'runsc') {
    const date = /(\d{4})(\d{2})(\d{2})\.\d+/.exec(printed);
    if (!date) return { verdict: 'warn', reason: 'its version has no date; do not call it fit for hostile code' };
    const built = Date.UTC(Number(date[1]), Number(date[2]) - 1, Number(date[3]));
    const months = (now - built) / (30.44 * 86_400_000);
    return months > 12
      ? { verdict: 'warn', reason: `${date[0]} is older than 12 months; it is not offered for hostile code` }
      : { verdict: 'ok', reason: date[0] };
  }
  const version = /version (\d+(?:\.\d+)+)/.exec(printed)?.[1];
  if (!version) return { verdict: 'bad', reason: 'it does not say its version' };
  const found = knownBad.find(
    (entry) =>
      entry.runtime === runtime &&
      printed.includes(entry.feature ?? '') &&
      compareVersions(version, entry.since) >= 0 &&
      compareVersions(version, entry.until) < 0,
  );
  if (!found) return { verdict: 'ok', reason: version };
  return {
    verdict: found.consequence === 'refuse' ? 'bad' : 'warn',
    reason: `${version} has ${found.advisory}, mended in ${found.until}`,
  };
}
