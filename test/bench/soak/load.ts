import { setTimeout as wait } from 'node:timers/promises';
import type { Workspace } from '#contract/api.ts';
import { send, type Answer } from '../../access/support/request.ts';
import { openViewer, type TestViewer } from '../../e2e-api/support/terminal-viewer.ts';

/** How often each kind of work was done, and what was refused or broke off. */
export interface Tally {
  readonly done: Map<string, number>;
  readonly failed: Map<string, number>;
}

export interface LoadOptions {
  readonly origin: string;
  readonly key: string;
  readonly repository: string;
  readonly signal: AbortSignal;
}

const count = (of: Map<string, number>, what: string): void => void of.set(what, (of.get(what) ?? 0) + 1);

/** Mixed work of ten people, until `signal`; what a killed process breaks off is counted and tried again. */
export function startLoad({ origin, key, repository, signal }: LoadOptions) {
  const tally: Tally = { done: new Map(), failed: new Map() };
  const api = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const answer = await send(origin, `/api/v1${path}`, {
      method,
      headers: { 'x-api-key': key },
      ...(body === undefined ? {} : { body }),
    });
    if (answer.status >= 300) throw new Error(`${answer.status} ${answer.json.code ?? ''}`);
    return answer;
  };
  const pause = (ms: number): Promise<void> => wait(ms, undefined, { signal }).catch(() => undefined);
  const again = async (what: string, everyMs: number, work: () => Promise<void>): Promise<void> => {
    while (!signal.aborted) {
      await pause(everyMs * (0.5 + Math.random()));
      if (signal.aborted) return;
      try {
        await work();
        count(tally.done, what);
      } catch (error) {
        count(
          tally.failed,
          `${what}: ${error instanceof Error ? error.message.slice(0, 90).split('\n')[0] : 'broke off'}`,
        );
      }
    }
  };
  const workspace = async (name: string, git?: { url: string }): Promise<string> =>
    String((await api('POST', '/workspaces', { name, ...(git ? { git } : {}) })).json['id']);
  const settled = async (id: string): Promise<string> => {
    for (let tries = 0; tries < 150; tries += 1) {
      const { state } = (await api('GET', `/workspaces/${id}`)).json as unknown as Workspace;
      if (!['cloning', 'creating'].includes(state)) return state;
      await wait(200);
    }
    throw new Error('a clone that does not end');
  };

  /** One person at a terminal: types, reads, comes back to it at the offset where the page was left. */
  const person = async (workspaceId: string, at: number): Promise<void> => {
    let terminalId: string | null = null;
    let offset = 0;
    let turns = 0;
    await again('a quarter of a minute at a terminal', 200, async () => {
      if (terminalId === null) {
        terminalId = String((await api('POST', `/workspaces/${workspaceId}/terminals`, {})).json['id']);
        offset = 0;
      }
      let viewer: TestViewer | undefined;
      try {
        viewer = await openViewer(origin, key, terminalId, { offset });
        for (let line = 0; line < 15 && !signal.aborted; line += 1) {
          const mark = `mark-${at}-${turns}-${line}`;
          const heavy = line % 5 === 4 ? 'seq 1 20000; ' : '';
          viewer.type(`${heavy}head -c 4096 /dev/urandom > ~/written-${at}; printf '%s-%s\\n' mark ${mark.slice(5)}\n`);
          await viewer.until(() => {
            if (viewer?.socket.readyState !== viewer?.socket.OPEN) throw new Error('the connection was closed');
            return viewer?.output().subarray(-4000).includes(`${mark}\r\n`) ?? false;
          }, 20_000);
          await pause(1000);
        }
        offset = viewer.end();
      } catch (error) {
        // A torn connection: the next one begins where this one ended. A terminal that is gone: a new one.
        offset = viewer?.end() ?? offset;
        const known = await api('GET', `/terminals/${terminalId}`).catch(() => null);
        if (known?.json['state'] === 'ended') terminalId = null;
        throw error;
      } finally {
        viewer?.close();
      }
      turns += 1;
      if (turns % 12 === 0 && terminalId !== null) {
        await api('DELETE', `/terminals/${terminalId}`);
        terminalId = null;
      }
    });
    if (terminalId !== null) await api('DELETE', `/terminals/${terminalId}`);
  };

  const removed = async (id: string): Promise<void> => void (await api('DELETE', `/workspaces/${id}`));
  const run = async (): Promise<void> => {
    const homes = await Promise.all(['one', 'two'].map((name) => workspace(name)));
    const home = (at: number): string => homes[at % homes.length] ?? '';
    await Promise.all([
      ...Array.from({ length: 10 }, (_, at) => person(home(at), at)),
      again('a clone, made and deleted', 20_000, async () => {
        const id = await workspace('clone', { url: repository });
        const state = await settled(id);
        await removed(id);
        if (state !== 'ready') throw new Error(`a clone ended ${state}`);
      }),
      again('a list and a read of files', 1500, async () => {
        const id = home(Math.floor(Math.random() * 2));
        await api('GET', `/workspaces/${id}/files?path=.`);
        await api('GET', `/workspaces/${id}`);
        await api('GET', `/workspaces/${id}/git`);
      }),
      again('a workspace, made, started, stopped and deleted', 8000, async () => {
        const id = await workspace('short');
        await api('POST', `/workspaces/${id}/start`);
        await api('POST', `/workspaces/${id}/stop`);
        await removed(id);
      }),
      again('a page of the trail', 10_000, async () => void (await api('GET', '/audit?limit=50'))),
    ]);
    for (const id of homes) await removed(id);
  };
  return { tally, finished: run() };
}
