import { keepPreviousData, queryOptions } from '@tanstack/react-query';
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

/** The file's bytes; `version` is whatever changes with them, so that it is read again only then. */
export const fileQuery = (workspaceId: string, path: string, version: string) =>
  queryOptions({
    queryKey: ['workspace', workspaceId, 'file', path, version] as const,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => requestBytes(`/workspaces/${workspaceId}/file?path=${encodeURIComponent(path)}`, signal),
    retry: false,
    gcTime: 60_000,
    structuralSharing: false,
  });
