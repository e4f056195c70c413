import { queryOptions } from '@tanstack/react-query';
import type { z } from 'zod';
import type { filesSchema } from '#contract/api.ts';
import { request, requestBytes } from './request.ts';

export type FileList = z.infer<typeof filesSchema>;

export const filesQuery = (workspaceId: string, path: string) =>
  queryOptions({
    queryKey: ['workspace', workspaceId, 'files', path] as const,
    queryFn: ({ signal }) =>
      request<FileList>('GET', `/workspaces/${workspaceId}/files?path=${encodeURIComponent(path)}`, { signal }),
    retry: false,
  });

export const fileQuery = (workspaceId: string, path: string) =>
  queryOptions({
    queryKey: ['workspace', workspaceId, 'file', path] as const,
    queryFn: ({ signal }) => requestBytes(`/workspaces/${workspaceId}/file?path=${encodeURIComponent(path)}`, signal),
    retry: false,
    gcTime: 60_000,
    structuralSharing: false,
  });
