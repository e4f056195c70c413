import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '#config/config.ts';
import type { DataPaths } from '#main/up/paths.ts';
import { writeForGroup } from '#main/up/process-configs.ts';
import type { Users } from '#main/up/users.ts';

/** Files that processes read besides their configuration: root owns them, one group reads each. */
export interface SettledFiles {
  readonly secretFile: string;
  readonly ownerPasswordFile: string | null;
  readonly caFile: string | null;
}

/** Copies what the operator named to where the processes may read it, and makes the server's secret once. */
export function settleFiles(config: Config, paths: DataPaths, users: Users): SettledFiles {
  const secretFile = join(paths.config, 'server.secret');
  if (config.jwtSecret !== null) writeForGroup(secretFile, config.jwtSecret, users.server.gid);
  else if (!existsSync(secretFile)) writeForGroup(secretFile, randomBytes(48).toString('base64'), users.server.gid);

  let ownerPasswordFile: string | null = null;
  if (config.ownerPasswordFile !== null) {
    ownerPasswordFile = join(paths.config, 'owner.password');
    writeForGroup(ownerPasswordFile, readFileSync(config.ownerPasswordFile, 'utf8'), users.server.gid);
  }
  let caFile: string | null = null;
  if (config.caFile !== null) {
    caFile = join(paths.config, 'ca.pem');
    writeForGroup(caFile, readFileSync(config.caFile, 'utf8'), users.broker.gid);
  }
  return { secretFile, ownerPasswordFile, caFile };
}
