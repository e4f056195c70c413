import { sharedNetwork } from '#main/confine/shared-network.ts';
import { databasePlace } from '#main/confine/specifications.ts';
import { type Finding, ok } from '#main/doctor/finding.ts';

/** Whether the server has a network namespace of its own, which it has unless its database is reached over TCP (H12). */
export function judgeServerNetwork(databaseUrl: string | null, landlock: number): readonly Finding[] {
  const what = "the server's network";
  const place = databaseUrl === null ? null : databasePlace(databaseUrl);
  if (place === null || !('port' in place))
    return [ok(what, 'none of its own but the listener; the database is behind a Unix socket')];
  return [{ what, verdict: 'warn', saw: sharedNetwork([place.port], landlock) }];
}
