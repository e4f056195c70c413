import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { Terminal } from '#contract/api.ts';
import { terminalsQuery } from '../../api/terminals.ts';
import { type ActiveTab, type Layout, readLayout, writeLayout } from './layout.ts';

export interface Tabs {
  readonly terminals: readonly Terminal[];
  readonly files: readonly string[];
  readonly active: ActiveTab;
  /** Terminals that were looked at, and so have a connection. */
  readonly mounted: readonly Terminal[];
  readonly error: unknown;
  readonly isPending: boolean;
  activate(tab: ActiveTab): void;
  openFile(path: string): void;
  closeFile(path: string): void;
  /** Takes an ended terminal off the bar. */
  hide(id: string): void;
  /** Shows a terminal that was just made. */
  adopt(terminal: Terminal): void;
  refresh(): void;
}

/** Which tabs a workspace shows, kept in this browser. */
export function useTabs(workspaceId: string): Tabs {
  const client = useQueryClient();
  const query = terminalsQuery(workspaceId);
  const { data, error, isPending } = useQuery(query);
  const [layout, setLayout] = useState<Layout>(() => readLayout(workspaceId));
  const [looked, setLooked] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => writeLayout(workspaceId, layout), [workspaceId, layout]);

  // An ended terminal stays on the bar only where it was seen before.
  const terminals = useMemo(
    () => (data ?? []).filter(({ id, state }) => state !== 'ended' || layout.terminals.includes(id)),
    [data, layout.terminals],
  );
  useEffect(() => {
    const unseen = terminals.map(({ id }) => id as string).filter((id) => !layout.terminals.includes(id));
    if (unseen.length > 0) setLayout((before) => ({ ...before, terminals: [...before.terminals, ...unseen] }));
  }, [terminals, layout.terminals]);

  const active = useMemo((): ActiveTab => {
    const { active: wanted } = layout;
    if (wanted.kind === 'file' && layout.files.includes(wanted.path)) return wanted;
    if (wanted.kind === 'terminal' && terminals.some(({ id }) => id === wanted.id)) return wanted;
    if (wanted.kind === 'start' && wanted.chosen) return wanted;
    const last = terminals.at(-1);
    return last ? { kind: 'terminal', id: last.id } : { kind: 'start' };
  }, [layout, terminals]);
  const activeTerminal = active.kind === 'terminal' ? active.id : null;
  useEffect(() => {
    if (activeTerminal !== null)
      setLooked((before) => (before.has(activeTerminal) ? before : new Set(before).add(activeTerminal)));
  }, [activeTerminal]);

  const activate = useCallback((tab: ActiveTab) => setLayout((before) => ({ ...before, active: tab })), []);
  const refresh = useCallback(
    () => void client.invalidateQueries({ queryKey: terminalsQuery(workspaceId).queryKey }),
    [client, workspaceId],
  );
  return {
    terminals,
    files: layout.files,
    active,
    mounted: terminals.filter(({ id }) => looked.has(id)),
    error,
    isPending,
    activate,
    refresh,
    openFile: (path) =>
      setLayout((before) => ({
        ...before,
        files: before.files.includes(path) ? before.files : [...before.files, path].slice(-12),
        active: { kind: 'file', path },
      })),
    closeFile: (path) => setLayout((before) => ({ ...before, files: before.files.filter((other) => other !== path) })),
    hide: (id) => setLayout((before) => ({ ...before, terminals: before.terminals.filter((other) => other !== id) })),
    adopt(terminal) {
      client.setQueryData(query.queryKey, (list) =>
        list?.some(({ id }) => id === terminal.id) ? list : [...(list ?? []), terminal],
      );
      activate({ kind: 'terminal', id: terminal.id });
      refresh();
    },
  };
}
