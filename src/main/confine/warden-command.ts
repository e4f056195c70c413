import { join } from 'node:path';

/** How the warden is started: as root, and told to stop when its supervisor ends. */
export function wardenCommand(release: string, configFile: string): [string, ...string[]] {
  return ['setpriv', '--pdeathsig=SIGTERM', '--', process.execPath, join(release, 'src/main/warden.ts'), configFile];
}
