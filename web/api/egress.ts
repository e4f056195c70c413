import { queryOptions } from '@tanstack/react-query';
import type { Egress } from '#contract/api.ts';
import { request } from './request.ts';

/** What left and what was refused, newest first. */
export const egressQuery = (workspaceId: string) =>
  queryOptions({
    queryKey: ['workspace', workspaceId, 'egress'] as const,
    queryFn: async ({ signal }) =>
      (await request<{ items: readonly Egress[] }>('GET', `/workspaces/${workspaceId}/egress?limit=200`, { signal }))
        .items,
  });
