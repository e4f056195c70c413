import type { Workspace } from '#contract/api.ts';
import { useCan } from '../../api/session.ts';
import { Button } from '../../ui/button.tsx';
import { Notice } from '../../ui/notice.tsx';
import { relativeTime } from '../../ui/time.ts';
import { useRestore } from '../workspaces/use-delete.ts';

/** A deleted workspace's address: it says so, and offers the way back. */
export function DeletedView({ workspace }: { readonly workspace: Workspace }) {
  const restore = useRestore();
  const can = useCan();
  return (
    <Notice
      tone="info"
      title={`${workspace.name} is deleted`}
      actions={
        can('workspace:write') && (
          <Button size="small" onClick={() => void restore(workspace)}>
            Restore
          </Button>
        )
      }
    >
      Its files are kept{workspace.purgeAt ? ` and will be removed for good ${relativeTime(workspace.purgeAt)}` : ''}.
    </Notice>
  );
}
