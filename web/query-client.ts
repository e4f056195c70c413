import { QueryClient } from '@tanstack/react-query';
import { ApiError } from './api/problem.ts';
import { whenSignedOut } from './api/request.ts';
import { sessionKey } from './api/session.ts';

/** Replies that a second try may mend. */
const passing = new Set(['offline', 'unavailable', 'timed_out', 'maintenance']);

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5000,
      retry: (failures, error) => failures < 2 && error instanceof ApiError && passing.has(error.code),
      retryDelay: (attempt) => Math.min(4000, 400 * 2 ** attempt),
    },
  },
});

whenSignedOut(() => {
  void queryClient.invalidateQueries({ queryKey: sessionKey });
});
