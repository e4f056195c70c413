import type { Access } from '#access/authorise.ts';
import type { Audit } from '#audit/audit.ts';
import type { Clock } from '#base/clock.ts';
import type { SandboxId, TeamId, TerminalId, WorkspaceId } from '#base/ids.ts';
import type { Channel } from '#channel/connect.ts';
import type { Log } from '#channel/log.ts';
import type { keeperMethods } from '#contract/keeper.ts';
import type { Database } from '#database/database.ts';
import type { Sandboxes } from '#sandboxes/sandboxes.ts';
import type { Warden } from '#sandboxes/warden-events.ts';
import type { WorkspaceHints } from '#sandboxes/workspace-hints.ts';
import type { ViewedTerminals } from '#terminals/viewed-terminal.ts';
import type { Vault } from '#vault/vault.ts';

export type Keeper = Channel<typeof keeperMethods>;

/** Which terminal, and whose. */
export interface TerminalKey {
  readonly terminalId: TerminalId;
  readonly teamId: TeamId;
  readonly workspaceId: WorkspaceId | null;
  readonly sandboxId: SandboxId;
}

/** What the operations on terminals share. */
export interface TerminalContext {
  readonly database: Database;
  readonly access: Pick<Access, 'authorise'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly vault: Vault;
  readonly warden: Warden;
  readonly keeper: Keeper;
  readonly sandboxes: Sandboxes;
  readonly hints: WorkspaceHints;
  /** Where the keeper writes `<terminal id>.rec`. */
  readonly recordingsDirectory: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: (bytes: Uint8Array) => Uint8Array;
  /** Terminals of one sandbox at once. */
  readonly terminalsPerSandbox: number;
  /** Those that somebody looks at. */
  readonly viewed: ViewedTerminals;
  /** Being opened by this process: not yet everywhere, and not missing. */
  readonly opening: Set<TerminalId>;
}
