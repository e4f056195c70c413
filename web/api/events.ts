import { useEffect, useState } from 'react';
import type { WorkspaceEvent } from '#contract/api.ts';

/** Milliseconds to wait before try number `attempt` (from 0): 250, doubling, never over 5 s. */
export function backOff(attempt: number): number {
  return Math.min(5000, 250 * 2 ** Math.min(attempt, 10));
}

interface Feed {
  readonly url: string;
  readonly onEvent: (event: WorkspaceEvent) => void;
  readonly onLive: (live: boolean) => void;
}

/** Follows server-sent events until closed; connects again by itself, also where EventSource gives up. */
export function followEvents({ url, onEvent, onLive }: Feed): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let attempt = 0;
  const connect = () => {
    source = new EventSource(url);
    source.onopen = () => {
      attempt = 0;
      onLive(true);
    };
    source.onmessage = (message: MessageEvent<string>) => onEvent(JSON.parse(message.data) as WorkspaceEvent);
    source.onerror = () => {
      onLive(false);
      source?.close();
      timer = setTimeout(connect, backOff(attempt));
      attempt += 1;
    };
  };
  connect();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}

/** The events of a workspace while the component is shown; answers whether they are live. */
export function useWorkspaceEvents(workspaceId: string, onEvent: (event: WorkspaceEvent) => void): boolean {
  const [live, setLive] = useState(true);
  useEffect(
    () => followEvents({ url: `/api/v1/workspaces/${workspaceId}/events`, onEvent, onLive: setLive }),
    [workspaceId, onEvent],
  );
  return live;
}
