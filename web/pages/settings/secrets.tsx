import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { KeyRound, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import type { Secret } from '#contract/api.ts';
import { messageOf } from '../../api/problem.ts';
import { removeSecret, secretsQuery } from '../../api/secrets.ts';
import { useCan } from '../../api/session.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Dialog, DialogActions } from '../../ui/dialog.tsx';
import { Notice } from '../../ui/notice.tsx';
import { fullTime, relativeTime } from '../../ui/time.ts';
import { SecretDialog } from './secret-dialog.tsx';
import { kindNames } from './secret-kinds.ts';

/** What secrets there are; never their values. */
export function Secrets() {
  const can = useCan();
  const { data, error, isPending } = useQuery(secretsQuery);
  const [setting, setSetting] = useState<Secret | 'new' | null>(null);
  const [removing, setRemoving] = useState<Secret | null>(null);
  const mayWrite = can('secret:write');
  return (
    <>
      {error && (
        <Notice tone="bad" title="The secrets could not be listed">
          {messageOf(error)}
        </Notice>
      )}
      <div className="rounded-lg border bg-surface">
        {isPending && <p className="px-4 py-3 text-sm text-muted animate-breathe">Listing…</p>}
        {data?.length === 0 && (
          <p className="px-4 py-4 text-sm text-muted">
            None yet. With an Anthropic or OpenAI key here, Claude Code and Codex work in every workspace and never see
            the key.
          </p>
        )}
        <ul>
          {data?.map((secret) => (
            <li key={secret.name} className="flex items-center gap-3 border-b px-4 py-3 last:border-0">
              <KeyRound size={16} className="shrink-0 text-muted" aria-hidden />
              <div className="min-w-0 flex-1">
                <p className="truncate text-sm font-medium">{secret.name}</p>
                <p className="truncate text-xs text-muted">
                  {kindNames[secret.kind]} · only to {secret.baseUrl} ·{' '}
                  <time dateTime={secret.setAt} title={fullTime(secret.setAt)}>
                    set {relativeTime(secret.setAt)}
                  </time>
                </p>
              </div>
              {mayWrite && (
                <>
                  <Button size="small" onClick={() => setSetting(secret)}>
                    Replace
                  </Button>
                  <IconButton label={`Remove ${secret.name}`} onClick={() => setRemoving(secret)}>
                    <Trash2 size={15} />
                  </IconButton>
                </>
              )}
            </li>
          ))}
        </ul>
        {mayWrite && data && (
          <div className="border-t px-4 py-3">
            <Button size="small" icon={<Plus size={14} aria-hidden />} onClick={() => setSetting('new')}>
              Set a secret
            </Button>
          </div>
        )}
      </div>
      {setting && <SecretDialog replaced={setting === 'new' ? null : setting} onClose={() => setSetting(null)} />}
      {removing && <RemoveDialog secret={removing} onClose={() => setRemoving(null)} />}
    </>
  );
}

function RemoveDialog({ secret, onClose }: { readonly secret: Secret; readonly onClose: () => void }) {
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => removeSecret(secret.name),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: secretsQuery.queryKey });
      onClose();
    },
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Remove ${secret.name}?`}
      description={`Requests to ${secret.baseUrl} go out without it from now on. The value cannot be brought back.`}
    >
      {remove.error && (
        <Notice tone="bad" title="It was not removed">
          {messageOf(remove.error)}
        </Notice>
      )}
      <DialogActions>
        <Button onClick={onClose}>Keep it</Button>
        <Button look="danger" busy={remove.isPending && 'Removing…'} onClick={() => remove.mutate()}>
          Remove {secret.name}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
