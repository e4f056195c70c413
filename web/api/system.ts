import { queryOptions } from '@tanstack/react-query';
import type { z } from 'zod';
import type { systemSchema } from '#contract/api.ts';
import { request } from './request.ts';

export type SystemState = z.infer<typeof systemSchema>;

export const systemQuery = queryOptions({
  queryKey: ['system'] as const,
  queryFn: ({ signal }) => request<SystemState>('GET', '/system', { signal }),
  refetchInterval: 10_000,
});
