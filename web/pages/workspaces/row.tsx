import { Link } from '@tanstack/react-router';
import { Ellipsis, FolderGit2, Folder, GitBranch, Pencil, SquareTerminal, Trash2 } from 'lucide-react';
import type { Workspace } from '#contract/api.ts';
import { IconButton } from '../../ui/button.tsx';
import { Menu, MenuItem } from '../../ui/menu.tsx';
import { Progress } from '../../ui/progress.tsx';
import { Pill, StatusDot } from '../../ui/status.tsx';
import { fullTime, relativeTime } from '../../ui/time.ts';
import { shortSource } from './source.ts';
import { policyNames, stateOf } from './state.ts';

interface RowProps {
  readonly workspace: Workspace;
  readonly onEdit: () => void;
  readonly onDelete: () => void;
  readonly mayWrite: boolean;
}

/** One workspace in the list; the whole row opens it. */
export function WorkspaceRow({ workspace, onEdit, onDelete, mayWrite }: RowProps) {
  const state = stateOf(workspace);
  const working = workspace.state === 'cloning' || workspace.state === 'creating';
  return (
    <li className="group relative grid grid-cols-[1fr_auto] items-center gap-x-4 gap-y-1 border-b px-4 py-3 transition-colors last:border-0 hover:bg-hover sm:grid-cols-[minmax(0,1fr)_112px_88px_32px] lg:grid-cols-[minmax(0,1fr)_112px_132px_96px_32px]">
      <div className="flex min-w-0 items-start gap-3">
        <span className="mt-0.5 grid size-8 shrink-0 place-items-center rounded-md bg-sunken text-muted">
          {workspace.git ? <FolderGit2 size={16} aria-hidden /> : <Folder size={16} aria-hidden />}
        </span>
        <div className="min-w-0">
          <Link
            to="/workspaces/$workspaceId"
            params={{ workspaceId: workspace.id }}
            className="block truncate text-md font-medium outline-none after:absolute after:inset-0 focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent"
          >
            {workspace.name}
          </Link>
          <p className="truncate text-xs text-muted">
            {workspace.state === 'failed' && workspace.failure
              ? workspace.failure
              : workspace.description || (workspace.git ? shortSource(workspace.git.url) : 'Made empty')}
          </p>
        </div>
      </div>
      <div className="flex items-center gap-2 text-xs text-muted max-sm:col-start-1 max-sm:pl-11">
        <StatusDot tone={state.tone} live={state.live} />
        {state.word}
        {workspace.terminals > 0 && (
          <span className="flex items-center gap-1" title={`${workspace.terminals} terminals run`}>
            <SquareTerminal size={13} aria-hidden />
            <span className="tabular">{workspace.terminals}</span>
            <span className="sr-only">terminals run</span>
          </span>
        )}
        <span className="sm:hidden">· {relativeTime(workspace.lastUsedAt)}</span>
      </div>
      <div className="flex min-w-0 items-center gap-1.5 text-xs text-muted max-lg:hidden">
        {workspace.git?.branch ? (
          <>
            <GitBranch size={13} className="shrink-0" aria-hidden />
            <span className="truncate">{workspace.git.branch}</span>
          </>
        ) : (
          workspace.policyPreset !== 'coding' && <Pill tone="idle">{policyNames[workspace.policyPreset]}</Pill>
        )}
      </div>
      <time
        dateTime={workspace.lastUsedAt}
        title={fullTime(workspace.lastUsedAt)}
        className="text-right text-xs text-muted max-sm:hidden"
      >
        {relativeTime(workspace.lastUsedAt)}
      </time>
      <div className="relative z-1 max-sm:col-start-2 max-sm:row-start-1 max-sm:-mr-2">
        {mayWrite && (
          <Menu
            trigger={
              <IconButton label={`More about ${workspace.name}`}>
                <Ellipsis size={16} />
              </IconButton>
            }
          >
            <MenuItem icon={<Pencil size={15} />} onSelect={onEdit}>
              Name and description…
            </MenuItem>
            <MenuItem icon={<Trash2 size={15} />} tone="bad" onSelect={onDelete}>
              Delete {workspace.name}
            </MenuItem>
          </Menu>
        )}
      </div>
      {working && (
        <div className="col-span-full mt-1">
          <Progress label={`${state.word} ${workspace.name}`} percent={null} />
        </div>
      )}
    </li>
  );
}
