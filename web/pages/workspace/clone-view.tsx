import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import type { Workspace } from '#contract/api.ts';
import { messageOf } from '../../api/problem.ts';
import { useCan } from '../../api/session.ts';
import { cancelClone } from '../../api/workspaces.ts';
import { Button } from '../../ui/button.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Progress } from '../../ui/progress.tsx';
import { shortSource } from '../workspaces/source.ts';
import type { CloneProgress } from './clone-progress.ts';

interface CloneViewProps {
  readonly workspace: Workspace;
  readonly clone: CloneProgress;
  readonly live: boolean;
}

/** A clone under way: what git does, how far it is, and a way to stop it. */
export function CloneView({ workspace, clone, live }: CloneViewProps) {
  const can = useCan();
  const cancel = useMutation({ mutationFn: () => cancelClone(workspace.id) });
  const phase = clone.phase || (workspace.state === 'creating' ? 'Preparing the disk' : 'Starting the sandbox');
  return (
    <section aria-labelledby="clone-title">
      <h1 id="clone-title" className="text-xl font-semibold tracking-tight">
        {workspace.name}
      </h1>
      {workspace.git && <p className="mt-0.5 text-sm text-muted">Cloning {shortSource(workspace.git.url)}</p>}
      <div className="mt-6 rounded-lg border bg-surface p-4">
        <div className="mb-2 flex items-baseline justify-between text-sm">
          <span className="font-medium" aria-live="polite">
            {phase}
          </span>
          <span className="tabular text-muted">{clone.percent === null ? '' : `${Math.round(clone.percent)} %`}</span>
        </div>
        <Progress label={phase} percent={clone.percent} />
        <CloneLog lines={clone.lines} />
        <div className="mt-4 flex items-center justify-between gap-4">
          <p className="text-xs text-muted">
            {live
              ? 'git runs inside the sandbox. You may leave this page; it goes on.'
              : 'The news is interrupted; the clone goes on. Connecting again…'}
          </p>
          {can('workspace:write') && (
            <Button size="small" busy={cancel.isPending && 'Stopping…'} onClick={() => cancel.mutate()}>
              Cancel
            </Button>
          )}
        </div>
      </div>
      {cancel.error && (
        <Notice tone="bad" title="The clone could not be stopped" className="mt-3">
          {messageOf(cancel.error)}
        </Notice>
      )}
    </section>
  );
}

/** What git wrote, the newest in sight. */
export function CloneLog({ lines }: { readonly lines: readonly string[] }) {
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => {
    if (lines.length > 0) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [lines]);
  return (
    <pre
      ref={box}
      tabIndex={0}
      aria-label="What git says"
      className="mt-4 h-48 overflow-auto rounded-md bg-sunken p-3 font-mono text-xs whitespace-pre-wrap text-muted"
    >
      {lines.length === 0 ? 'git has not said anything yet.' : lines.join('\n')}
    </pre>
  );
}
