import { queryOptions } from '@tanstack/react-query';
import type { z } from 'zod';
import type { Secret, setSecretSchema } from '#contract/api.ts';
import { request } from './request.ts';

export const secretsQuery = queryOptions({
  queryKey: ['secrets'] as const,
  queryFn: async ({ signal }) => (await request<{ items: readonly Secret[] }>('GET', '/secrets', { signal })).items,
});

/** The value goes to the server once and can never be read back. */
export const setSecret = (name: string, body: z.input<typeof setSecretSchema>): Promise<void> =>
  request('PUT', `/secrets/${encodeURIComponent(name)}`, { body });
export const removeSecret = (name: string): Promise<void> => request('DELETE', `/secrets/${encodeURIComponent(name)}`);
