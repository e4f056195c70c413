import { join } from 'node:path';

/** Every place in a data directory. */
export interface DataPaths {
  readonly root: string;
  readonly release: string;
  readonly config: string;
  readonly log: string;
  readonly recordings: string;
  readonly spool: string;
  readonly pg: string;
  readonly pgPasswords: string;
  readonly keeper: string;
  readonly broker: string;
  readonly server: string;
  readonly warden: string;
  /** Key and anchors of the signer of the audit trail. */
  readonly signer: string;
  /** Keys and certificates that `up` holds; root alone. */
  readonly tls: string;
  readonly run: {
    readonly root: string;
    readonly warden: string;
    readonly keeper: string;
    readonly console: string;
    readonly broker: string;
    readonly server: string;
    readonly up: string;
    readonly pg: string;
    readonly certificates: string;
  };
  /** The program of holders, where the keeper is not in a tree of its own that has it: with systemd. */
  readonly holderProgram: string;
  /** Which instance this is: its name, and its uids. */
  readonly instance: string;
  readonly status: string;
  readonly lock: string;
  readonly keeperPid: string;
}

/** A Unix socket's path has 107 bytes, and the longest below the data directory needs 47 of them. */
const longestRoot = 60;

export function dataPaths(root: string): DataPaths {
  if (Buffer.byteLength(root) > longestRoot) {
    throw new Error(
      `the data directory's path may have ${longestRoot} bytes at most, because sockets lie below it: ${root}`,
    );
  }
  const run = join(root, 'run');
  return {
    root,
    release: join(root, 'release'),
    config: join(root, 'config'),
    log: join(root, 'log'),
    recordings: join(root, 'recordings'),
    spool: join(root, 'spool'),
    pg: join(root, 'pg'),
    pgPasswords: join(root, 'pg-passwords'),
    keeper: join(root, 'keeper'),
    broker: join(root, 'broker'),
    server: join(root, 'server'),
    warden: join(root, 'warden'),
    signer: join(root, 'signer'),
    tls: join(root, 'tls'),
    run: {
      root: run,
      warden: join(run, 'warden'),
      keeper: join(run, 'keeper'),
      console: join(run, 'keeper/console'),
      broker: join(run, 'broker'),
      server: join(run, 'server'),
      up: join(run, 'up'),
      pg: join(run, 'pg'),
      certificates: join(run, 'certificates'),
    },
    holderProgram: join(root, 'config/holder'),
    instance: join(root, 'instance.json'),
    status: join(run, 'up/status.json'),
    lock: join(run, 'up/lock'),
    keeperPid: join(run, 'up/keeper.pid'),
  };
}
