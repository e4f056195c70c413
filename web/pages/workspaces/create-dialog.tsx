import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useRef, useState } from 'react';
import { ApiError, messageOf } from '../../api/problem.ts';
import { newIdempotencyKey } from '../../api/request.ts';
import { createWorkspace, workspaceQuery, workspacesKey } from '../../api/workspaces.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog, DialogActions } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Segments } from '../../ui/segments.tsx';
import { PolicyChoice, type PolicyChoiceValue } from './policy-choice.tsx';
import { gitUrlProblem, nameFromGitUrl } from './source.ts';

/** Asks for the source, the name and what may leave; then opens the workspace at once. */
export function CreateDialog({ onClose }: { readonly onClose: () => void }) {
  const [source, setSource] = useState<'git' | 'empty'>('git');
  const [url, setUrl] = useState('');
  const [branch, setBranch] = useState('');
  const [ownName, setOwnName] = useState<string | null>(null);
  const [policy, setPolicy] = useState<PolicyChoiceValue>('coding');
  const [busy, setBusy] = useState(false);
  const [asked, setAsked] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const act = useRef({ body: '', key: '' });
  const client = useQueryClient();
  const navigate = useNavigate();

  const name = ownName ?? (source === 'git' ? nameFromGitUrl(url) : '');
  const urlError = source === 'git' && asked ? gitUrlProblem(url) : undefined;
  const refused = error instanceof ApiError && error.code === 'invalid_git_url' ? messageOf(error) : undefined;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (source === 'git' && gitUrlProblem(url)) return;
    const body = {
      name: name.trim(),
      policy,
      ...(source === 'git' ? { git: { url: url.trim(), ...(branch.trim() ? { branch: branch.trim() } : {}) } } : {}),
    };
    // The same form sent twice is one act; a changed form is another.
    const text = JSON.stringify(body);
    if (act.current.body !== text) act.current = { body: text, key: newIdempotencyKey() };
    setBusy(true);
    setError(null);
    try {
      const workspace = await createWorkspace(body, act.current.key);
      client.setQueryData(workspaceQuery(workspace.id).queryKey, workspace);
      void client.invalidateQueries({ queryKey: workspacesKey });
      await navigate({ to: '/workspaces/$workspaceId', params: { workspaceId: workspace.id } });
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };

  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="New workspace"
      description="A directory of code with a sandbox of its own. It outlives the sandbox."
      wide
    >
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        {error !== null && refused === undefined && (
          <Notice tone="bad" title="The workspace was not made">
            {messageOf(error)}
          </Notice>
        )}
        <Segments
          label="Source"
          value={source}
          onChange={setSource}
          options={[
            { value: 'git', label: 'From a git URL' },
            { value: 'empty', label: 'Empty' },
          ]}
        />
        {source === 'git' && (
          <div className="grid gap-4 sm:grid-cols-[1fr_160px]">
            <TextField
              label="Git URL"
              inputMode="url"
              autoCapitalize="off"
              autoCorrect="off"
              spellCheck={false}
              autoFocus
              maxLength={2048}
              placeholder="https://…"
              value={url}
              error={urlError ?? refused}
              onChange={(event) => setUrl(event.target.value)}
            />
            <TextField
              label="Branch"
              autoCapitalize="off"
              spellCheck={false}
              maxLength={255}
              placeholder="Default"
              value={branch}
              onChange={(event) => setBranch(event.target.value)}
            />
          </div>
        )}
        <TextField
          label="Name"
          required
          maxLength={50}
          value={name}
          autoFocus={source === 'empty'}
          onChange={(event) => setOwnName(event.target.value === '' ? null : event.target.value)}
        />
        <PolicyChoice value={policy} onChange={setPolicy} />
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={busy && 'Creating…'}>
            {source === 'git' ? 'Clone and open' : 'Create and open'}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
