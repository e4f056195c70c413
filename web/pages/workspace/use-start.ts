import { useRef, useState } from 'react';
import type { Workspace } from '#contract/api.ts';
import { messageOf } from '../../api/problem.ts';
import { newIdempotencyKey } from '../../api/request.ts';
import { createTerminal } from '../../api/terminals.ts';
import { cellWidth } from '../../terminal/cell.ts';
import { rememberStarted } from '../../terminal/started-here.ts';
import { useToast } from '../../ui/toast.tsx';
import type { Program } from './programs.ts';
import type { Tabs } from './tabs.ts';

export type StartRequest = { readonly program: Program } | { readonly command: string };

/** The size that the terminal will most likely have, so that the program need not draw twice. */
function likelySize(): { columns: number; rows: number } {
  const panel = document.querySelector('[data-terminals]');
  const { width = 800, height = 480 } = panel?.getBoundingClientRect() ?? {};
  const bounded = (count: number) => Math.min(1000, Math.max(2, Math.floor(count)));
  return { columns: bounded((width - 25) / cellWidth(13, devicePixelRatio)), rows: bounded((height - 44) / 20.4) };
}

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
      const terminal = await createTerminal(workspace.id, { ...request, size: likelySize() }, newIdempotencyKey());
      rememberStarted(terminal.id);
      tabs.adopt(terminal);
    } catch (error) {
      toast({ tone: 'bad', title: 'The terminal was not started', detail: messageOf(error) });
    }
    busy.current = false;
    setStarting(null);
  };
  return { start: (request: StartRequest) => void start(request), starting };
}
