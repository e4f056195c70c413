import { queryOptions } from '@tanstack/react-query';
import type { z } from 'zod';
import type { createTerminalSchema, Terminal } from '#contract/api.ts';
import { request } from './request.ts';

export const terminalsQuery = (workspaceId: string) =>
  queryOptions({
    queryKey: ['workspace', workspaceId, 'terminals'] as const,
    queryFn: async ({ signal }) =>
      (await request<{ items: readonly Terminal[] }>('GET', `/workspaces/${workspaceId}/terminals`, { signal })).items,
  });

export const createTerminal = (
  workspaceId: string,
  body: z.input<typeof createTerminalSchema>,
  idempotencyKey: string,
): Promise<Terminal> => request('POST', `/workspaces/${workspaceId}/terminals`, { body, idempotencyKey });

/** Ends the program and its children. */
export const endTerminal = (id: string): Promise<void> => request('DELETE', `/terminals/${id}`);
