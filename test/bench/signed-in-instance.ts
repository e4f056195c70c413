import { rm, writeFile } from 'node:fs/promises';
import { type Answer, send } from '../access/support/request.ts';
import { casemate, lacking, temporaryInstance } from '../support/instance.ts';

const password = 'umbrella-tadpole-seventeen-copper';

/** An instance as `./casemate up` starts it, with an owner who is signed in. Throws where none can be started. */
export async function signedInInstance() {
  const reason = lacking();
  if (reason) throw new Error(reason);
  await using cleanup = new AsyncDisposableStack();
  const instance = cleanup.use(await temporaryInstance());
  const passwordFile = `${instance.data}.password`;
  await writeFile(passwordFile, password, { mode: 0o600 });
  cleanup.defer(() => rm(passwordFile));
  const environment = { CASEMATE_OWNER_EMAIL: 'ada@example.org', CASEMATE_OWNER_PASSWORD_FILE: passwordFile };
  const started = await casemate(['up', '--detach', ...instance.flags], environment);
  if (started.code !== 0) throw new Error(started.output);
  const origin = `http://127.0.0.1:${instance.port}`;
  const answer = await send(origin, '/api/v1/session', {
    method: 'POST',
    body: { email: 'ada@example.org', password },
    headers: { origin },
  });
  if (answer.status !== 201) throw new Error(`signing in: ${answer.status} ${answer.text}`);
  const cookie = String((answer.headers['set-cookie'] as readonly string[])[0]).split(';')[0] ?? '';
  const csrfToken = String(answer.json['csrfToken']);
  const running = cleanup.move();
  return {
    instance,
    origin,
    cookie,
    /** A request of the owner's page. Throws when it is refused. */
    async api(method: string, path: string, body?: unknown): Promise<Answer> {
      const reply = await send(origin, `/api/v1${path}`, {
        method,
        headers: { cookie, origin, 'x-csrf-token': csrfToken },
        ...(body === undefined ? {} : { body }),
      });
      if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${reply.text}`);
      return reply;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
