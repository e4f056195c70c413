import type { Audit } from '#audit/audit.ts';

/** What handlers may call. A room adds its service here and main/server.ts builds it. */
export interface Services {
  readonly audit: Audit;
}
