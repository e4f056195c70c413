import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { Workspace } from '#contract/api.ts';
import { messageOf } from '../../api/problem.ts';
import { updateWorkspace, workspaceQuery, workspacesKey } from '../../api/workspaces.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog, DialogActions } from '../../ui/dialog.tsx';
import { TextArea, TextField } from '../../ui/field.tsx';
import { Notice } from '../../ui/notice.tsx';

interface EditDialogProps {
  readonly workspace: Workspace;
  readonly onClose: () => void;
}

/** Name and description. */
export function EditDialog({ workspace, onClose }: EditDialogProps) {
  const [name, setName] = useState(workspace.name);
  const [description, setDescription] = useState(workspace.description);
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: () => updateWorkspace(workspace.id, { name: name.trim(), description }),
    onSuccess: (changed) => {
      client.setQueryData(workspaceQuery(workspace.id).queryKey, changed);
      void client.invalidateQueries({ queryKey: workspacesKey });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title="Name and description">
      <form onSubmit={submit} className="flex flex-col gap-4">
        {save.error && (
          <Notice tone="bad" title="Nothing was changed">
            {messageOf(save.error)}
          </Notice>
        )}
        <TextField
          label="Name"
          required
          maxLength={50}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <TextArea
          label="Description"
          hint={`${200 - description.length} characters left`}
          maxLength={200}
          rows={2}
          value={description}
          onChange={(event) => setDescription(event.target.value.replaceAll('\n', ' '))}
        />
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={save.isPending && 'Saving…'}>
            Save
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
