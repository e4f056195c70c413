import assert from 'node:assert/strict';
import type { TeamId, UserId } from '#base/ids.ts';
import type { Role } from '#contract/permissions.ts';
import { addMembership, createTeam } from '#database/identity/team-store.ts';
import { createUser } from '#database/identity/user-store.ts';
import { createPasswordMethod } from '#identity/methods/password.ts';
import { randomId } from '#identity/random-id.ts';
import { type Answer, type RequestOptions, send } from './request.ts';
import type { TestServer } from './start-server.ts';

export const goodPassword = 'umbrella-tadpole-seventeen-copper';

/** A browser of one person: keeps the cookie, and sends what a page of ours would send. */
export interface Visitor {
  readonly cookie: string;
  readonly csrfToken: string;
  readonly userId: string;
  readonly teamId: string;
  send(method: string, path: string, body?: unknown, headers?: RequestOptions['headers']): Promise<Answer>;
}

export function visitorFrom(server: TestServer, answer: Answer): Visitor {
  assert.equal(answer.status, 201, answer.text);
  const cookie = String((answer.headers['set-cookie'] as string[])[0]).split(';')[0] ?? '';
  const view = answer.json as unknown as { csrfToken: string; user: { id: string }; team: { id: string } };
  return {
    cookie,
    csrfToken: view.csrfToken,
    userId: view.user.id,
    teamId: view.team.id,
    send: (method, path, body, headers) =>
      send(server.origin, path, {
        method,
        ...(body === undefined ? {} : { body }),
        headers: { cookie, 'x-csrf-token': view.csrfToken, origin: server.origin, ...headers },
      }),
  };
}

export const tokenOf = (server: TestServer): string => server.setupPath?.split('#')[1] ?? '';

export async function setUp(server: TestServer): Promise<Visitor> {
  const answer = await send(server.origin, '/api/v1/setup', {
    method: 'POST',
    body: { token: tokenOf(server), email: 'owner@example.org', name: 'Ada', password: goodPassword },
  });
  return visitorFrom(server, answer);
}

export async function signIn(server: TestServer, email: string, password = goodPassword): Promise<Visitor> {
  return visitorFrom(server, await trySignIn(server, email, password));
}

export const trySignIn = (server: TestServer, email: string, password: string): Promise<Answer> =>
  send(server.origin, '/api/v1/session', { method: 'POST', body: { email, password } });

let passwordHash: Promise<string> | undefined;

/** Somebody with an account, straight into the database: inviting is not part of the API yet. */
export async function addPerson(
  server: TestServer,
  email: string,
  role: Role = 'owner',
  existingTeam?: TeamId,
): Promise<{ userId: UserId; teamId: TeamId }> {
  passwordHash ??= createPasswordMethod().enrol({ email: 'nobody@example.org', name: 'Nobody' }, goodPassword);
  const hash = await passwordHash;
  const userId = randomId<UserId>();
  const teamId = existingTeam ?? randomId<TeamId>();
  await server.database.database.withAuth(async (tx) => {
    await createUser(tx, { id: userId, email, name: email, passwordHash: hash });
    if (existingTeam === undefined) await createTeam(tx, { id: teamId, name: email, personal: true });
    await addMembership(tx, { teamId, userId, role });
  });
  return { userId, teamId };
}

/** An API key, made as the operator makes it. */
export async function createKey(
  server: TestServer,
  scopes: readonly string[],
): Promise<{ id: string; secret: string }> {
  const answer = await send('http://localhost', '/admin/keys', {
    method: 'POST',
    socketPath: server.adminSocket,
    body: { name: 'test', scopes },
  });
  assert.equal(answer.status, 201, answer.text);
  return answer.json as unknown as { id: string; secret: string };
}
