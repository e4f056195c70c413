import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { ChevronRight, Ellipsis, Globe, PanelLeft, Pencil, Play, ShieldCheck, Square, Trash2 } from 'lucide-react';
import { useState } from 'react';
import type { Workspace } from '#contract/api.ts';
import { messageOf } from '../../api/problem.ts';
import { useCan } from '../../api/session.ts';
import { startSandbox, stopSandbox, workspaceQuery } from '../../api/workspaces.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Dialog, DialogActions } from '../../ui/dialog.tsx';
import { Menu, MenuItem, MenuSeparator } from '../../ui/menu.tsx';
import { Pill, StatusDot } from '../../ui/status.tsx';
import { useToast } from '../../ui/toast.tsx';
import { EditDialog } from '../workspaces/edit-dialog.tsx';
import { stateOf } from '../workspaces/state.ts';
import { useDelete } from '../workspaces/use-delete.ts';
import { tierWords } from './tier.ts';

interface HeaderProps {
  readonly workspace: Workspace;
  readonly filesPressed: boolean;
  readonly networkPressed: boolean;
  readonly onFiles: () => void;
  readonly onNetwork: () => void;
}

/** A workspace's name, state and isolation, and what can be done with it as a whole. */
export function WorkspaceHeader({ workspace, filesPressed, networkPressed, onFiles, onNetwork }: HeaderProps) {
  const [shown, setShown] = useState<'edit' | 'stop' | null>(null);
  const state = stateOf(workspace);
  const can = useCan();
  const client = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  const remove = useDelete();
  const refresh = () => void client.invalidateQueries({ queryKey: workspaceQuery(workspace.id).queryKey });
  const failed = (title: string) => (error: unknown) => toast({ tone: 'bad', title, detail: messageOf(error) });
  const start = useMutation({
    mutationFn: () => startSandbox(workspace.id),
    onSuccess: refresh,
    onError: failed('The sandbox was not started'),
  });
  const stop = useMutation({
    mutationFn: () => stopSandbox(workspace.id),
    onSuccess: refresh,
    onError: failed('The sandbox still runs'),
  });
  const askStop = () => (workspace.terminals > 0 ? setShown('stop') : stop.mutate());
  const discard = async () => {
    if (await remove(workspace)) await navigate({ to: '/workspaces', search: {} });
  };
  const running = workspace.sandbox !== null;
  const mayRun = can('workspace:run');

  return (
    <header className="flex h-12 shrink-0 items-center gap-2 border-b bg-canvas pr-2 pl-2 sm:pl-3">
      <IconButton
        label={filesPressed ? 'Hide the files' : 'Show the files'}
        aria-pressed={filesPressed}
        onClick={onFiles}
        className="max-sm:hidden"
      >
        <PanelLeft size={16} />
      </IconButton>
      <nav aria-label="Breadcrumb" className="flex min-w-0 items-center gap-1 max-sm:pl-2">
        <Link to="/workspaces" search={{}} className="rounded-sm text-sm text-muted hover:text-text max-lg:hidden">
          Workspaces
        </Link>
        <ChevronRight size={14} aria-hidden className="shrink-0 text-faint max-lg:hidden" />
        <h1 className="truncate text-md font-semibold" title={workspace.description || undefined}>
          {workspace.name}
        </h1>
      </nav>
      <span className="ml-1 flex shrink-0 items-center gap-2 text-xs text-muted" role="status">
        <StatusDot tone={state.tone} live={state.live} />
        {state.word}
      </span>
      {workspace.sandbox && (
        <span className="max-md:hidden">
          <Pill tone="idle" title={tierWords[workspace.sandbox.tier].detail}>
            <ShieldCheck size={12} aria-hidden />
            {tierWords[workspace.sandbox.tier].short}
          </Pill>
        </span>
      )}
      <span className="flex-1" />
      {mayRun && (
        <span className="max-sm:hidden">
          {running ? (
            <Button
              size="small"
              look="quiet"
              icon={<Square size={12} aria-hidden />}
              busy={(stop.isPending || workspace.sandbox?.state === 'stopping') && 'Stopping…'}
              onClick={askStop}
            >
              Stop
            </Button>
          ) : (
            <Button
              size="small"
              icon={<Play size={12} aria-hidden />}
              busy={start.isPending && 'Starting…'}
              onClick={() => start.mutate()}
            >
              Start
            </Button>
          )}
        </span>
      )}
      <IconButton
        label={networkPressed ? 'Hide the network panel' : 'Show what left and what was refused'}
        aria-pressed={networkPressed}
        onClick={onNetwork}
        className="max-sm:hidden"
      >
        <Globe size={16} />
      </IconButton>
      <Menu
        trigger={
          <IconButton label={`More about ${workspace.name}`}>
            <Ellipsis size={16} />
          </IconButton>
        }
      >
        {workspace.sandbox && (
          <p className="max-w-64 px-2 py-1.5 text-xs text-muted">
            <span className="font-medium text-text">{tierWords[workspace.sandbox.tier].short}.</span>{' '}
            {tierWords[workspace.sandbox.tier].detail}
          </p>
        )}
        {mayRun && (
          <MenuItem
            icon={running ? <Square size={14} /> : <Play size={14} />}
            onSelect={running ? askStop : () => start.mutate()}
          >
            {running ? 'Stop the sandbox' : 'Start the sandbox'}
          </MenuItem>
        )}
        {can('workspace:write') && (
          <>
            <MenuItem icon={<Pencil size={14} />} onSelect={() => setShown('edit')}>
              Name and description…
            </MenuItem>
            <MenuSeparator />
            <MenuItem icon={<Trash2 size={14} />} tone="bad" onSelect={() => void discard()}>
              Delete {workspace.name}
            </MenuItem>
          </>
        )}
      </Menu>
      {shown === 'edit' && <EditDialog workspace={workspace} onClose={() => setShown(null)} />}
      <Dialog
        open={shown === 'stop'}
        onOpenChange={(open) => !open && setShown(null)}
        title={`Stop the sandbox of ${workspace.name}?`}
        description={`${workspace.terminals === 1 ? 'One terminal runs and is' : `${workspace.terminals} terminals run and are`} ended, with every program in them. Files are kept.`}
      >
        <DialogActions>
          <Button onClick={() => setShown(null)}>Keep it running</Button>
          <Button
            look="danger"
            onClick={() => {
              setShown(null);
              stop.mutate();
            }}
          >
            Stop the sandbox
          </Button>
        </DialogActions>
      </Dialog>
    </header>
  );
}
