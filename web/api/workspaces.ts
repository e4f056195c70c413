import { queryOptions } from '@tanstack/react-query';
import type { z } from 'zod';
import type { createWorkspaceSchema, GitStatus, updateWorkspaceSchema, Workspace } from '#contract/api.ts';
import type { Destination } from '#contract/policy.ts';
import { request } from './request.ts';

interface Page<Item> {
  readonly items: readonly Item[];
  readonly cursor: string | null;
}

/** Reads every page of a list; `limit` keeps it to a few requests. */
async function all<Item>(path: string, signal: AbortSignal): Promise<readonly Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const mark: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: Page<Item> = await request<Page<Item>>('GET', `${path}limit=200${mark}`, { signal });
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== null);
  return items;
}

export const workspacesKey = ['workspaces'] as const;
export const workspacesQuery = queryOptions({
  queryKey: workspacesKey,
  queryFn: ({ signal }) => all<Workspace>('/workspaces?', signal),
  refetchInterval: (query) =>
    query.state.data?.some(({ state }) => state === 'cloning' || state === 'creating') ? 2000 : 15_000,
});
export const deletedWorkspacesQuery = queryOptions({
  queryKey: ['workspaces', 'deleted'] as const,
  queryFn: ({ signal }) => all<Workspace>('/workspaces?deleted=true&', signal),
});
export const workspaceQuery = (id: string) =>
  queryOptions({
    queryKey: ['workspace', id] as const,
    queryFn: ({ signal }) => request<Workspace>('GET', `/workspaces/${id}`, { signal }),
  });
export const gitQuery = (id: string) =>
  queryOptions({
    queryKey: ['workspace', id, 'git'] as const,
    queryFn: ({ signal }) => request<GitStatus>('GET', `/workspaces/${id}/git`, { signal }),
    retry: false,
  });

export const createWorkspace = (
  body: z.input<typeof createWorkspaceSchema>,
  idempotencyKey: string,
): Promise<Workspace> => request('POST', '/workspaces', { body, idempotencyKey });
export const updateWorkspace = (id: string, body: z.input<typeof updateWorkspaceSchema>): Promise<Workspace> =>
  request('PATCH', `/workspaces/${id}`, { body });
export const deleteWorkspace = (id: string): Promise<void> => request('DELETE', `/workspaces/${id}`);
export const restoreWorkspace = (id: string): Promise<Workspace> => request('POST', `/workspaces/${id}/restore`);
export const cancelClone = (id: string): Promise<void> => request('POST', `/workspaces/${id}/cancel`);
export const retryClone = (id: string): Promise<Workspace> => request('POST', `/workspaces/${id}/retry`);
export const startSandbox = (id: string): Promise<Workspace> => request('POST', `/workspaces/${id}/start`);
export const stopSandbox = (id: string): Promise<void> => request('POST', `/workspaces/${id}/stop`);
export const allowDestination = (id: string, body: Destination): Promise<void> =>
  request('POST', `/workspaces/${id}/policy/allow`, { body });
