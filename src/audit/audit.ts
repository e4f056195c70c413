import type { TeamId } from '#base/ids.ts';
import type { AuditActor, AuditEventName, AuditFields, AuditRecord } from '#contract/audit.ts';
import type { AuditFinding } from '#audit/verify.ts';
import type { TenantScope } from '#database/tenant-scope.ts';

/** One event of the catalogue, with exactly its fields. */
export type AuditEntry<Name extends AuditEventName = AuditEventName> = {
  readonly [Event in Name]: {
    readonly event: Event;
    /** The team whose trail it belongs to, or `instance`. */
    readonly chain: TeamId | 'instance';
    readonly actor: AuditActor;
    readonly outcome: 'success' | 'denied' | 'failed';
    readonly requestId: string | null;
    readonly address: string | null;
    readonly fields: AuditFields<Event>;
    /** Names the journal record it comes from; an event of the same origin is written once. */
    readonly origin?: string;
    /** Milliseconds since the epoch, for what happened elsewhere; now, by default. */
    readonly time?: number;
  };
}[Name];

export interface AuditPageQuery {
  readonly cursor?: string | undefined;
  readonly limit: number;
  readonly event?: AuditEventName | undefined;
}

export interface AuditPage {
  readonly items: readonly AuditRecord[];
  readonly cursor: string | null;
}

export interface AuditChainHead {
  readonly chain: TeamId | 'instance';
  /** Of the newest record; 0 when there is none. */
  readonly sequence: number;
  readonly hash: string;
}

export interface Audit extends AsyncDisposable {
  /**
   * Appends to the chain in a transaction of its own and resolves only after its commit. Rejects
   * (CasemateError `unavailable` or `internal`) when it is not on record: then the act must not be
   * acknowledged. Acts that increase safety go on regardless.
   */
  record(entry: AuditEntry): Promise<void>;
  /** Newest first, of the scope's team. */
  list(scope: TenantScope, query: AuditPageQuery): Promise<AuditPage>;
  /** Oldest first, every record of a chain, read in pages: for the operator's export. */
  export(chain: TeamId | 'instance'): AsyncIterable<AuditRecord>;
  /** Every chain and its head: for the operator's export, and to see that an export is whole. */
  heads(): Promise<readonly AuditChainHead[]>;
  /**
   * Checks the stored rows of a chain against their hashes, links, head, and the HMACs under the key
   * that PostgreSQL does not hold. An empty answer means that it is whole.
   */
  check(chain: TeamId | 'instance'): Promise<readonly AuditFinding[]>;
}
