import {
  apiKeys,
  contextKeys,
  idempotencyKeys,
  loginLimits,
  memberships,
  sessions,
  setupTokens,
  teams,
  users,
} from '#database/schema/identity.ts';
import {
  announcedCommands,
  auditCheckpoints,
  auditEvents,
  auditHeads,
  egressEvents,
  journalCursors,
} from '#database/schema/trail.ts';
import { sandboxes, secrets, terminals, workspaces } from '#database/schema/workspaces.ts';

/** Every table, for the reference and for the tests that loop over all of them. */
export const tables = {
  users,
  teams,
  memberships,
  sessions,
  apiKeys,
  setupTokens,
  loginLimits,
  idempotencyKeys,
  workspaces,
  sandboxes,
  terminals,
  secrets,
  egressEvents,
  journalCursors,
  auditEvents,
  auditHeads,
  auditCheckpoints,
  announcedCommands,
  contextKeys,
} as const;
