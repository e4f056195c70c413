import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { WorkspaceEvent } from '#contract/api.ts';
import { egressQuery } from '../../api/egress.ts';
import { useWorkspaceEvents } from '../../api/events.ts';
import { terminalsQuery } from '../../api/terminals.ts';
import { workspaceQuery, workspacesKey } from '../../api/workspaces.ts';
import { advance, type CloneProgress, noProgress } from './clone-progress.ts';

const maximumEgress = 500;
/** A build writes thousands of files; the tree asks once for all of them, and seldom: each asking is on the record. */
const filesDelayMs = 400;
const filesEveryMs = 4000;
const gitEveryMs = 15_000;

interface Asking {
  last: number;
  timer?: ReturnType<typeof setTimeout> | undefined;
}

/** Asks after `delayMs`, but not within `everyMs` of the time before; one asking serves all who wait. */
function askSoon({ current }: { current: Asking }, delayMs: number, everyMs: number, ask: () => Promise<void>): void {
  if (current.timer !== undefined) return;
  const wait = Math.max(delayMs, current.last + everyMs - performance.now());
  current.timer = setTimeout(() => {
    current.timer = undefined;
    current.last = performance.now();
    void ask();
  }, wait);
}

/** Keeps what is cached about a workspace up to date with its events. */
export function useLiveWorkspace(id: string): { live: boolean; clone: CloneProgress } {
  const client = useQueryClient();
  const [clone, setClone] = useState(noProgress);
  const filesTimer = useRef<Asking>({ last: 0 });
  const gitTimer = useRef<Asking>({ last: 0 });
  useEffect(
    () => () => {
      clearTimeout(filesTimer.current.timer);
      clearTimeout(gitTimer.current.timer);
    },
    [],
  );

  const onEvent = useCallback(
    (event: WorkspaceEvent) => {
      switch (event.type) {
        case 'workspace':
          client.setQueryData(workspaceQuery(id).queryKey, event.workspace);
          void client.invalidateQueries({ queryKey: workspacesKey });
          return;
        case 'clone':
          setClone((before) => advance(before, event));
          return;
        case 'egress':
          client.setQueryData(egressQuery(id).queryKey, (items) =>
            items?.some((item) => item.id === event.id)
              ? items
              : [{ ...event, method: '' }, ...(items ?? [])].slice(0, maximumEgress),
          );
          return;
        case 'terminals':
          void client.invalidateQueries({ queryKey: terminalsQuery(id).queryKey });
          return;
        case 'files':
          askSoon(filesTimer, filesDelayMs, filesEveryMs, () =>
            client.invalidateQueries({ queryKey: ['workspace', id, 'files'] }),
          );
          askSoon(gitTimer, filesDelayMs, gitEveryMs, () =>
            client.invalidateQueries({ queryKey: ['workspace', id, 'git'] }),
          );
          return;
      }
    },
    [client, id],
  );
  const live = useWorkspaceEvents(id, onEvent);
  const before = useRef(live);
  useEffect(() => {
    // What happened while the feed was gone is only in the lists.
    if (live && !before.current) void client.invalidateQueries({ queryKey: ['workspace', id] });
    before.current = live;
  }, [live, client, id]);
  return { live, clone };
}
