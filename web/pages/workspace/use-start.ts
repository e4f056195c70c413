import { useRef, useState } from 'react';
import type { Workspace } from '#contract/api.ts';
import { messageOf } from '../../api/problem.ts';
import { newIdempotencyKey } from '../../api/request.ts';
import { createTerminal } from '../../api/terminals.ts';
import { useToast } from '../../ui/toast.tsx';
import type { Program } from './programs.ts';
import type { Tabs } from './tabs.ts';

export type StartRequest = { readonly program: Program } | { readonly command: string };

/** Starts a terminal (and the sandbox, when it is stopped) and shows it. `starting` says what is under way. */
export function useStart(workspace: Workspace, tabs: Pick<Tabs, 'adopt'>) {
  const [starting, setStarting] = useState<StartRequest | null>(null);
  const busy = useRef(false);
  const toast = useToast();
  const start = async (request: StartRequest) => {
    if (busy.current) return;
    busy.current = true;
    setStarting(request);
    try {
      tabs.adopt(await createTerminal(workspace.id, request, newIdempotencyKey()));
    } catch (error) {
      toast({ tone: 'bad', title: 'The terminal was not started', detail: messageOf(error) });
    }
    busy.current = false;
    setStarting(null);
  };
  return { start: (request: StartRequest) => void start(request), starting };
}
