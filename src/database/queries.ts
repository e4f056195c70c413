import type { SandboxId, TeamId, TerminalId, UserId, WorkspaceId } from '#base/ids.ts';
import { captureStatements } from '#database/capture.ts';
import * as idempotency from '#database/identity/idempotency-store.ts';
import * as keys from '#database/identity/key-store.ts';
import * as forgive from '#database/identity/login-limit-forgive.ts';
import * as limits from '#database/identity/login-limit-store.ts';
import * as sessions from '#database/identity/session-store.ts';
import * as setup from '#database/identity/setup-token-store.ts';
import * as teams from '#database/identity/team-store.ts';
import * as userList from '#database/identity/user-list-store.ts';
import * as userLock from '#database/identity/user-lock.ts';
import * as users from '#database/identity/user-store.ts';
import { formatCursor } from '#database/page.ts';
import * as audit from '#database/trail/audit-store.ts';
import * as checkpoints from '#database/trail/checkpoint-store.ts';
import * as commands from '#database/trail/command-store.ts';
import * as egress from '#database/trail/egress-store.ts';
import * as cursors from '#database/trail/journal-cursor-store.ts';
import * as sandboxes from '#database/workspaces/sandbox-store.ts';
import * as secrets from '#database/workspaces/secret-store.ts';
import * as teamLock from '#database/workspaces/team-lock.ts';
import * as terminals from '#database/workspaces/terminal-store.ts';
import * as workspaces from '#database/workspaces/workspace-store.ts';

type Anything = (...all: never[]) => unknown;
/** Samples of a store's arguments after the transaction; the SQL depends on their shape, not on their values. */
type Samples<Store> = {
  readonly [Name in keyof Store as Store[Name] extends Anything ? Name : never]: Store[Name] extends (
    tx: never,
    ...rest: infer Rest
  ) => unknown
    ? readonly Rest[]
    : never;
};

const store = <Store extends object>(path: string, functions: Store, samples: Samples<Store>) => ({
  path,
  functions,
  samples,
});

const id = 'a'.repeat(20);
const userId = id as UserId;
const teamId = id as TeamId;
const workspaceId = id as WorkspaceId;
const sandboxId = id as SandboxId;
const terminalId = id as TerminalId;
const now = new Date(0);
const bytes = Buffer.alloc(32);
const page = { limit: 50 };
const nextPage = { limit: 50, cursor: formatCursor({ createdAt: now, id }) };
const policy = { sets: [], allow: [], deny: [] };
const limit = { kind: 'account', key: bytes } as const;
const head = { chain: 'instance', teamId: null, sequence: 1, hash: '' } as const;
const egressRow = {
  id,
  teamId,
  sandboxId,
  workspaceId,
  time: now,
  sequence: 1,
  allowed: true,
  method: '',
  host: '',
  port: 1,
  reason: '',
  credential: null,
};
const auditRow: audit.AuditRow = {
  ...head,
  time: now,
  event: '',
  outcome: 'success',
  actor: { kind: 'operator' },
  fields: {},
  requestId: null,
  address: null,
  previous: '',
  mac: bytes,
  origin: null,
};

/** Every store, and for each of its functions the calls whose SQL the reference shows. */
const stores = [
  store('identity/idempotency-store.ts', idempotency, {
    claimIdempotencyKey: [[{ key: '', requestDigest: bytes, now, expiresAt: now }]],
    findIdempotencyKey: [['']],
    completeIdempotencyKey: [['', { status: 201, body: '' }]],
    releaseIdempotencyKey: [['']],
    purgeIdempotencyKeys: [[now]],
  }),
  store('identity/key-store.ts', keys, {
    createApiKey: [[{ id, ownerId: userId, name: '', prefix: '', hash: bytes, scopes: ['*'], expiresAt: now }]],
    findApiKey: [[bytes]],
    touchApiKey: [[id, now]],
    listApiKeys: [[page], [nextPage]],
    revokeApiKey: [[id, now]],
  }),
  store('identity/login-limit-forgive.ts', forgive, { forgiveLoginAttempt: [['account', bytes]] }),
  store('identity/login-limit-store.ts', limits, {
    findLoginLimit: [['account', bytes]],
    countLoginFailure: [[{ ...limit, now, windowEndsAt: now }]],
    blockLogin: [[{ ...limit, blockedUntil: now }]],
    clearLoginLimit: [['account', bytes]],
    purgeLoginLimits: [[now]],
  }),
  store('identity/session-store.ts', sessions, {
    createSession: [
      [
        {
          id,
          tokenHash: bytes,
          userId,
          teamId,
          createdAt: now,
          lastSeenAt: now,
          idleExpiresAt: now,
          absoluteExpiresAt: now,
          address: '',
          agent: '',
        },
      ],
    ],
    findLiveSession: [[bytes, now]],
    isSessionLive: [[id, now]],
    touchSession: [[id, { lastSeenAt: now, idleExpiresAt: now }]],
    listLiveSessions: [[userId, now]],
    revokeSession: [[id, '', now]],
    revokeUserSessions: [[userId, '', now]],
    purgeSessions: [[now]],
  }),
  store('identity/setup-token-store.ts', setup, {
    createSetupToken: [[{ hash: bytes, expiresAt: now, now }]],
    isSetupTokenUsable: [[bytes, now]],
    useSetupToken: [[bytes, now]],
    purgeSetupTokens: [[now]],
  }),
  store('identity/team-store.ts', teams, {
    createTeam: [[{ id: teamId, name: '', personal: true }]],
    addMembership: [[{ teamId, userId, role: 'owner' }]],
    listMemberships: [[userId]],
    findMembership: [[userId, teamId]],
    findFirstOwner: [[]],
    findTeam: [[]],
    listTeamIds: [[]],
  }),
  store('identity/user-list-store.ts', userList, { listUsers: [[]] }),
  store('identity/user-lock.ts', userLock, { lockUser: [[userId]], lockSetup: [[]] }),
  store('identity/user-store.ts', users, {
    createUser: [[{ id: userId, email: '', name: '', passwordHash: '' }]],
    findUserByEmail: [['']],
    findUser: [[userId]],
    hasUsers: [[]],
    setPasswordHash: [[userId, '']],
    findTeamUser: [[userId]],
  }),
  store('trail/audit-store.ts', audit, {
    lockAuditHead: [[head]],
    findAuditOrigins: [['instance', ['']]],
    addAuditEvents: [[[auditRow]]],
    moveAuditHead: [[head]],
    listAuditHeads: [[]],
    listAuditChain: [['instance', 0, 500]],
    listTeamAuditEvents: [
      [{ before: undefined, event: undefined, limit: 50 }],
      [{ before: 1, event: 'session.started', limit: 50 }],
    ],
  }),
  store('trail/checkpoint-store.ts', checkpoints, {
    addCheckpoint: [[{ chain: 'instance', sequence: 1, hash: '', signedAt: now, keyId: '', signature: bytes }]],
    listNewestCheckpoints: [[]],
    listChainCheckpoints: [['instance']],
  }),
  store('trail/command-store.ts', commands, {
    announceCommands: [[[{ id, kind: '', teamId }]]],
    findAnnouncedCommands: [[[id]]],
    forgetAnnouncedCommands: [[[id]]],
    purgeAnnouncedCommands: [[now]],
  }),
  store('trail/egress-store.ts', egress, {
    addEgressEvents: [[[egressRow]]],
    listEgressEvents: [
      [workspaceId, page],
      [workspaceId, nextPage],
    ],
  }),
  store('trail/journal-cursor-store.ts', cursors, {
    findJournalCursor: [['broker']],
    putJournalCursor: [['broker', { sequence: 1, hash: '' }]],
  }),
  store('workspaces/sandbox-store.ts', sandboxes, {
    createSandbox: [[{ id: sandboxId, workspaceId, state: 'starting', tier: 'crun', template: '' }]],
    findSandbox: [[sandboxId]],
    findWorkspaceSandbox: [[workspaceId]],
    listWorkspaceSandboxes: [[[workspaceId]]],
    listSandboxes: [[page], [{ ...nextPage, live: true }]],
    countLiveSandboxes: [[]],
    updateSandbox: [[sandboxId, { state: 'stopped', endedAt: now, endReason: '' }]],
    listAllLiveSandboxes: [[]],
    findAnySandbox: [[sandboxId]],
  }),
  store('workspaces/secret-store.ts', secrets, {
    putSecret: [[{ name: '', kind: 'git', baseUrl: '', userName: '', sealed: bytes, setBy: userId, setAt: now }]],
    listSecrets: [[]],
    findSecret: [['']],
    removeSecret: [['']],
    listAllSecrets: [[]],
  }),
  store('workspaces/team-lock.ts', teamLock, { takeTeamTurn: [['workspaces']] }),
  store('workspaces/terminal-store.ts', terminals, {
    createTerminal: [
      [
        {
          id: terminalId,
          workspaceId,
          sandboxId,
          title: '',
          program: '',
          columns: 80,
          rows: 24,
          state: 'starting' as const,
          recordingPublicKey: bytes,
          recordingPrivateKey: bytes,
          createdBy: userId,
        },
      ],
    ],
    findTerminal: [[terminalId]],
    findTerminalRecording: [[terminalId]],
    listTerminals: [
      [workspaceId, page],
      [workspaceId, nextPage],
    ],
    countLiveTerminals: [[[workspaceId]]],
    listSandboxTerminals: [[sandboxId]],
    updateTerminal: [[terminalId, { state: 'ended', exitCode: 0, signal: null, endedAt: now }]],
    listAllLiveTerminals: [[]],
    findAnyTerminal: [[terminalId]],
  }),
  store('workspaces/workspace-store.ts', workspaces, {
    createWorkspace: [
      [
        {
          id: workspaceId,
          name: '',
          description: '',
          state: 'creating' as const,
          gitUrl: '',
          gitBranch: '',
          policy,
          policyPreset: 'closed' as const,
          createdBy: userId,
          lastUsedAt: now,
        },
      ],
    ],
    findWorkspace: [[workspaceId]],
    lockWorkspace: [[workspaceId]],
    listWorkspaces: [[page], [{ ...nextPage, deleted: true }]],
    countWorkspaces: [[]],
    updateWorkspace: [[workspaceId, { name: '', description: '' }]],
    deleteWorkspace: [[workspaceId]],
    listPurgeableWorkspaces: [[now]],
    listUnfinishedWorkspaces: [[]],
  }),
];

export interface StoreQuery {
  /** Below src/database/. */
  readonly path: string;
  readonly name: string;
  readonly statements: readonly string[];
}

/** Paths of the stores that are registered, so that a check can find one that is not. */
export const registeredStores: readonly string[] = stores.map(({ path }) => path);

/** The SQL of every store function, in the order of the registry; it needs no database. */
export async function* storeQueries(): AsyncGenerator<StoreQuery> {
  for (const { path, functions, samples } of stores) {
    const calls = samples as Readonly<Record<string, readonly (readonly unknown[])[]>>;
    for (const [name, list] of Object.entries(calls)) {
      const call = (functions as unknown as Readonly<Record<string, (...all: unknown[]) => Promise<unknown>>>)[name];
      if (!call) throw new Error(`${path} has no function ${name}`);
      const statements: string[] = [];
      for (const rest of list) statements.push(...(await captureStatements((tx) => call(tx, ...rest))));
      yield { path, name, statements };
    }
  }
}
