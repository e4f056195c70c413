import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { nodeFlags } from '#config/process-memory.ts';
import { entryOf } from '#main/running-code.ts';
import {
  acmeOptions,
  type Hardened,
  hookOptions,
  keeperOptions,
  listenerOptions,
  serverOptions,
  supervisorOptions,
  type UnitOptions,
  wardenOptions,
} from '#main/service/hardening.ts';
import type { ServiceSettings } from '#main/service/settings.ts';
import { serviceLines } from '#main/service/unit-text.ts';
import type { DataPaths } from '#main/up/paths.ts';

/** The processes that the supervisor has systemd start, each in a unit of its own. */
export type UnitProcess = 'server' | 'keeper' | 'warden';
/** Units that live for one task; more than one may be at work. */
export type UnitTask = 'listener' | 'acme' | 'hook';

/**
 * The unit of a process that is started now. The keeper's holders outlive it in its control group, and
 * while they do systemd keeps the unit's name: each keeper has one of its own.
 */
export const freshUnitOf = ({ unit }: Pick<ServiceSettings, 'unit'>, name: UnitProcess | UnitTask): string =>
  `${unit}-${name}${name === 'server' || name === 'warden' ? '' : `-${randomBytes(3).toString('hex')}`}.service`;

const hardened = (settings: ServiceSettings, paths: DataPaths): Hardened => ({
  data: paths.root,
  node: settings.node,
  externalDatabase: settings.externalDatabase,
  holderProgram: paths.holderProgram,
});

/** The hardening of each unit, by name: `up` is the supervisor. */
export function optionsOf(
  settings: ServiceSettings,
  paths: DataPaths,
): Record<UnitProcess | Exclude<UnitTask, 'listener'> | 'up', UnitOptions> {
  const of = hardened(settings, paths);
  return {
    up: supervisorOptions(of),
    server: serverOptions(of),
    keeper: keeperOptions(of),
    warden: wardenOptions(),
    acme: acmeOptions(of),
    hook: hookOptions(of),
  };
}

/** The hardening of the unit that opens a port. */
export const listenerOptionsOf = (settings: ServiceSettings, paths: DataPaths, port: number): UnitOptions =>
  listenerOptions(hardened(settings, paths), port);

/**
 * The unit file of the supervisor. `systemctl stop` and `restart` end what has no state and leave
 * sandboxes and keeper to the next start, as `./casemate restart` does; `./casemate down` ends all.
 */
export function supervisorUnit(settings: ServiceSettings, paths: DataPaths, cache: string): string {
  const entry = entryOf(join(paths.release, 'current'), 'up');
  const command = [settings.node, ...nodeFlags, entry, ...settings.flags].map(quoted).join(' ');
  return `# Written by \`./casemate service install\`; changes are lost at the next one. Use a drop-in instead.
[Unit]
Description=Casemate, browser terminals for coding agents
After=network-online.target local-fs.target
Wants=network-online.target
RequiresMountsFor=${paths.root.replaceAll('%', '%%')} ${cache.replaceAll('%', '%%')}
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
ExecStart=${command}
WorkingDirectory=${join(paths.release, 'current').replaceAll('%', '%%')}
Environment=${quoted(`CASEMATE_CACHE=${cache}`)}
Restart=on-failure
RestartSec=1
TimeoutStartSec=300
TimeoutStopSec=60
KillMode=mixed
KillSignal=SIGUSR2
TasksMax=4096
${serviceLines(optionsOf(settings, paths).up)}

[Install]
WantedBy=multi-user.target
`;
}

/** A word of a command line or assignment (systemd.syntax(7), "Quoting"); \`%\` and \`$\` would be expanded. */
function quoted(word: string): string {
  if (/[\n\r\0]/.test(word)) throw new Error('a unit file cannot hold a line break');
  const escaped = word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w./:=@%+-]+$/.test(word) ? escaped : `"${escaped}"`;
}
