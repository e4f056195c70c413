import { infiniteQueryOptions } from '@tanstack/react-query';
import type { AuditRecord } from '#contract/audit.ts';
import { request } from './request.ts';

interface AuditPage {
  readonly items: readonly AuditRecord[];
  readonly cursor: string | null;
}

/** The trail, newest first; `event` narrows it to one kind. */
export const auditQuery = (event: string | null) =>
  infiniteQueryOptions({
    queryKey: ['audit', event] as const,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => {
      const query = new URLSearchParams({ limit: '100' });
      if (event !== null) query.set('event', event);
      if (pageParam !== null) query.set('cursor', pageParam);
      return request<AuditPage>('GET', `/audit?${query}`, { signal });
    },
    getNextPageParam: (page: AuditPage) => page.cursor,
  });
