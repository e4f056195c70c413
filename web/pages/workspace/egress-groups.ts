import type { Egress } from '#contract/api.ts';

export interface EgressGroup {
  readonly key: string;
  readonly host: string;
  readonly port: number;
  readonly allowed: boolean;
  readonly count: number;
  /** Newest. */
  readonly time: string;
  readonly reason: string;
  /** Names of the secrets that were added. */
  readonly credentials: readonly string[];
}

/** One line for each destination and decision, the newest first; `items` are newest first. */
export function groupEgress(items: readonly Egress[]): readonly EgressGroup[] {
  const groups = new Map<string, { -readonly [Key in keyof EgressGroup]: EgressGroup[Key] }>();
  for (const { allowed, host, port, time, reason, credential } of items) {
    const key = `${allowed ? 'a' : 'r'} ${host} ${port}`;
    const group = groups.get(key);
    if (!group) {
      groups.set(key, {
        key,
        host,
        port,
        allowed,
        count: 1,
        time,
        reason,
        credentials: credential ? [credential] : [],
      });
      continue;
    }
    group.count += 1;
    if (credential && !group.credentials.includes(credential)) group.credentials = [...group.credentials, credential];
  }
  return [...groups.values()].toSorted((a, b) => b.time.localeCompare(a.time));
}
