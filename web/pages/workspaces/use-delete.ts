import { useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import type { Workspace } from '#contract/api.ts';
import { messageOf } from '../../api/problem.ts';
import {
  deletedWorkspacesQuery,
  deleteWorkspace,
  restoreWorkspace,
  workspacesKey,
  workspacesQuery,
} from '../../api/workspaces.ts';
import { useToast } from '../../ui/toast.tsx';

/** Deletes at once and offers to undo; the server keeps it for seven days. */
export function useDelete(): (workspace: Workspace) => Promise<boolean> {
  const client = useQueryClient();
  const toast = useToast();
  const restore = useRestore();
  return useCallback(
    async (workspace) => {
      client.setQueryData(workspacesQuery.queryKey, (list) => list?.filter(({ id }) => id !== workspace.id));
      try {
        await deleteWorkspace(workspace.id);
      } catch (error) {
        void client.invalidateQueries({ queryKey: workspacesKey });
        toast({ tone: 'bad', title: `${workspace.name} was not deleted`, detail: messageOf(error) });
        return false;
      }
      void client.invalidateQueries({ queryKey: workspacesKey });
      toast({
        tone: 'idle',
        title: `${workspace.name} is deleted`,
        detail: 'Its files are kept for seven days.',
        action: { label: 'Undo', run: () => void restore(workspace) },
      });
      return true;
    },
    [client, toast, restore],
  );
}

/** Brings a deleted workspace back. */
export function useRestore(): (workspace: Pick<Workspace, 'id' | 'name'>) => Promise<void> {
  const client = useQueryClient();
  const toast = useToast();
  return useCallback(
    async ({ id, name }) => {
      client.setQueryData(deletedWorkspacesQuery.queryKey, (list) => list?.filter((other) => other.id !== id));
      try {
        await restoreWorkspace(id);
        toast({ title: `${name} is back` });
      } catch (error) {
        toast({ tone: 'bad', title: `${name} could not be restored`, detail: messageOf(error) });
      }
      void client.invalidateQueries({ queryKey: workspacesKey });
      void client.invalidateQueries({ queryKey: ['workspace', id] });
    },
    [client, toast],
  );
}
