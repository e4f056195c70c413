import { queryOptions, useQuery } from '@tanstack/react-query';
import type { SessionView } from '#contract/api.ts';
import type { Permission } from '#contract/permissions.ts';
import { rememberCsrfToken, request } from './request.ts';

export const sessionKey = ['session'] as const;

/** GET /session: who this browser is, and what it may do. */
export const sessionQuery = queryOptions({
  queryKey: sessionKey,
  queryFn: async ({ signal }) => keep(await request<SessionView>('GET', '/session', { signal })),
  staleTime: 60_000,
});

function keep(session: SessionView): SessionView {
  rememberCsrfToken(session.csrfToken);
  return session;
}

/** POST /setup; answers the session that it began. */
export async function setUp(body: {
  token: string;
  email: string;
  name: string;
  password: string;
}): Promise<SessionView> {
  return keep(await request<SessionView>('POST', '/setup', { body }));
}

/** POST /session; answers the session that it began. */
export async function signIn(body: { email: string; password: string }): Promise<SessionView> {
  return keep(await request<SessionView>('POST', '/session', { body }));
}

/** DELETE /session */
export const signOut = (): Promise<void> => request('DELETE', '/session');

/** Whether the person may do it. The server decides again; this decides what is shown. */
export function useCan(): (permission: Permission) => boolean {
  const { data } = useQuery(sessionQuery);
  return (permission) => data?.permissions.includes(permission) ?? false;
}
