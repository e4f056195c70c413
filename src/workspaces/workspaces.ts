import { assertGrant, auditContext, type Grant } from '#access/grant.ts';
import type { WorkspaceId } from '#base/ids.ts';
import type { filesSchema, GitStatus, updateWorkspaceSchema, Workspace, WorkspaceEvent } from '#contract/api.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Page, PageQuery } from '#database/page.ts';
import type { TenantScope } from '#database/tenant-scope.ts';
import {
  findWorkspace,
  listWorkspaces,
  lockWorkspace,
  updateWorkspace,
  type WorkspaceChange,
  type WorkspaceRow,
} from '#database/workspaces/workspace-store.ts';
import type { WardenEvents } from '#sandboxes/warden-events.ts';
import { createClones } from '#workspaces/clones.ts';
import { createWorkspaceRow, type NewWorkspaceRequest } from '#workspaces/create-workspace.ts';
import { deleteWorkspaceForNow, restoreWorkspace } from '#workspaces/delete-workspace.ts';
import { endUnfinished } from '#workspaces/end-unfinished.ts';
import { readGitStatus } from '#workspaces/git-status.ts';
import { purgeWorkspaces } from '#workspaces/purge-workspaces.ts';
import { removeRemains } from '#workspaces/remove-remains.ts';
import { noWorkspace, type WorkspaceContext } from '#workspaces/workspace-context.ts';
import { followWorkspace } from '#workspaces/workspace-feed.ts';
import { type FileBytes, listFiles, readFile } from '#workspaces/workspace-files.ts';
import type { RelativePath } from '#workspaces/workspace-path.ts';
import { viewWorkspaces } from '#workspaces/workspace-view.ts';
import type { z } from 'zod';

type Write = Grant<'workspace:write'>;
type Read = Grant<'workspace:read'>;
type Run = Grant<'workspace:run'>;

/** Workspaces of a team. Every operation answers `not_found` for what is not the team's. */
export interface Workspaces extends Disposable {
  /**
   * Empty ones are ready at once; with git the answer comes in state `cloning`. `policyGrant`: the
   * creator may change policies, so that Coding takes in the host of the git URL.
   */
  create(grant: Write, request: NewWorkspaceRequest, policyGrant: Grant<'policy:write'> | null): Promise<Workspace>;
  get(grant: Read, workspaceId: WorkspaceId): Promise<Workspace>;
  list(grant: Read, query: PageQuery & { readonly deleted?: boolean }): Promise<Page<Workspace>>;
  update(grant: Write, workspaceId: WorkspaceId, change: z.output<typeof updateWorkspaceSchema>): Promise<Workspace>;
  /** Can be undone for seven days. */
  remove(grant: Write, workspaceId: WorkspaceId): Promise<void>;
  restore(grant: Write, workspaceId: WorkspaceId): Promise<Workspace>;
  /** Ends the clone; answers when nothing is left of it. `conflict` when there is none. */
  cancel(grant: Write, workspaceId: WorkspaceId): Promise<Workspace>;
  /** Clones again after a failure. */
  retry(grant: Write, workspaceId: WorkspaceId): Promise<Workspace>;
  start(grant: Run, workspaceId: WorkspaceId): Promise<Workspace>;
  stop(grant: Run, workspaceId: WorkspaceId): Promise<Workspace>;
  git(grant: Read, workspaceId: WorkspaceId): Promise<GitStatus>;
  files(grant: Read, workspaceId: WorkspaceId, path: RelativePath): Promise<z.input<typeof filesSchema>>;
  file(grant: Read, workspaceId: WorkspaceId, path: RelativePath, signal: AbortSignal): Promise<FileBytes>;
  /** `egress`: whether the reader may see what left the sandbox. */
  events(
    grant: Read,
    workspaceId: WorkspaceId,
    options: { readonly egress: boolean; readonly signal: AbortSignal },
  ): AsyncIterable<WorkspaceEvent>;
}

export type WorkspacesOptions = Omit<WorkspaceContext, 'remains'> & { readonly wardenEvents: WardenEvents };

const purgeEveryMs = 3_600_000;

export function createWorkspaces(options: WorkspacesOptions): Workspaces {
  const context: WorkspaceContext = { ...options, remains: new Map() };
  const { audit, database, hints, log, sandboxes } = context;
  const clones = createClones(context);
  const statuses = new Map<WorkspaceId, Promise<GitStatus>>();

  const view = (scope: TenantScope, workspaceId: WorkspaceId): Promise<Workspace> =>
    database.withTenant(scope, async (tx) => {
      const row = await findWorkspace(tx, workspaceId);
      const [found] = row ? await viewWorkspaces(tx, [row]) : [];
      if (!found) throw noWorkspace();
      return found;
    });

  /** Changes a workspace that stands, by what stands. */
  const change = (grant: Write, workspaceId: WorkspaceId, next: (row: WorkspaceRow) => WorkspaceChange) =>
    database.withTenant(grant.scope, async (tx) => {
      const row = await lockWorkspace(tx, workspaceId);
      if (!row || row.state === 'deleted') throw noWorkspace();
      const wanted = next(row);
      const changed = Object.keys(wanted).length === 0 ? row : await updateWorkspace(tx, workspaceId, wanted);
      if (!changed) throw noWorkspace();
      return changed;
    });

  const purge = (): void => {
    purgeWorkspaces(context).catch((error: unknown) =>
      log.error({ err: error }, 'deleted workspaces were not removed'),
    );
  };
  const timer = setInterval(purge, purgeEveryMs);
  timer.unref();
  options.wardenEvents.listen({
    async connected() {
      await endUnfinished(context, clones);
      for (const [id, teamId] of context.remains) {
        if (!clones.has(id)) await removeRemains(context, { id, teamId }, 'the clone failed');
      }
      purge();
    },
    async event() {},
  });

  return {
    async create(grant, request, policyGrant) {
      assertGrant(grant, 'workspace:write');
      if (policyGrant) assertGrant(policyGrant, 'policy:write');
      const row = await createWorkspaceRow(context, grant, request, policyGrant);
      if (row.state === 'cloning') clones.start(grant, row);
      return view(grant.scope, row.id);
    },
    async get(grant, workspaceId) {
      assertGrant(grant, 'workspace:read');
      return view(grant.scope, workspaceId);
    },
    async list(grant, query) {
      assertGrant(grant, 'workspace:read');
      return database.withTenant(grant.scope, async (tx) => {
        const page = await listWorkspaces(tx, query);
        return { items: await viewWorkspaces(tx, page.items), cursor: page.cursor };
      });
    },
    async update(grant, workspaceId, { name, description }) {
      assertGrant(grant, 'workspace:write');
      const row = await change(grant, workspaceId, () => ({
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
      }));
      const fields = { workspaceId, name: row.name };
      await audit.record({ ...auditContext(grant), event: 'workspace.renamed', outcome: 'success', fields });
      hints.publish(workspaceId, { type: 'workspace' });
      return view(grant.scope, workspaceId);
    },
    async remove(grant, workspaceId) {
      assertGrant(grant, 'workspace:write');
      await view(grant.scope, workspaceId);
      await clones.cancel(workspaceId, 'The workspace was deleted while it was being cloned. Nothing was kept.');
      await deleteWorkspaceForNow(context, grant, workspaceId);
    },
    async restore(grant, workspaceId) {
      assertGrant(grant, 'workspace:write');
      await restoreWorkspace(context, grant, workspaceId);
      return view(grant.scope, workspaceId);
    },
    async cancel(grant, workspaceId) {
      assertGrant(grant, 'workspace:write');
      await view(grant.scope, workspaceId);
      if (!(await clones.cancel(workspaceId, 'The clone was cancelled. Nothing was kept.'))) {
        throw new CasemateError('conflict', 'Nothing is being cloned here.');
      }
      return view(grant.scope, workspaceId);
    },
    async retry(grant, workspaceId) {
      assertGrant(grant, 'workspace:write');
      const row = await change(grant, workspaceId, ({ state, gitUrl }) => {
        if (state !== 'failed' || gitUrl === null || clones.has(workspaceId)) {
          throw new CasemateError('conflict', 'Only a clone that failed can be tried again.');
        }
        return { state: 'cloning', failure: null };
      });
      const fields = { workspaceId, source: row.gitUrl ?? '' };
      await audit.record({ ...auditContext(grant), event: 'workspace.clone-retried', outcome: 'success', fields });
      await removeRemains(context, row, 'the clone is tried again');
      clones.start(grant, row);
      return view(grant.scope, workspaceId);
    },
    async start(grant, workspaceId) {
      assertGrant(grant, 'workspace:run');
      await sandboxes.ensure(grant, workspaceId);
      return view(grant.scope, workspaceId);
    },
    async stop(grant, workspaceId) {
      assertGrant(grant, 'workspace:run');
      await view(grant.scope, workspaceId);
      if (clones.has(workspaceId)) {
        throw new CasemateError('conflict', 'The repository is being cloned. Cancel the clone instead.');
      }
      await sandboxes.stop({ teamId: grant.teamId, workspaceId }, { reason: 'stopped', by: auditContext(grant) });
      return view(grant.scope, workspaceId);
    },
    async git(grant, workspaceId) {
      assertGrant(grant, 'workspace:read');
      const sandbox = await sandboxes.ensure(grant, workspaceId);
      // Pages ask often; git looks once for all who ask at the same time.
      let status = statuses.get(workspaceId);
      if (!status) {
        status = readGitStatus(context, grant, sandbox).finally(() => statuses.delete(workspaceId));
        statuses.set(workspaceId, status);
      }
      return status;
    },
    async files(grant, workspaceId, path) {
      assertGrant(grant, 'workspace:read');
      return listFiles(context, grant, workspaceId, path);
    },
    async file(grant, workspaceId, path, signal) {
      assertGrant(grant, 'workspace:read');
      return readFile(context, grant, workspaceId, path, signal);
    },
    events(grant, workspaceId, { egress, signal }) {
      assertGrant(grant, 'workspace:read');
      return followWorkspace({
        hints,
        workspaceId,
        signal,
        egress,
        view: () => view(grant.scope, workspaceId),
        progress: () => clones.progress(workspaceId),
      });
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
