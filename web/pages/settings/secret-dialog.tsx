import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { Secret } from '#contract/api.ts';
import type { CredentialKind } from '#contract/broker.ts';
import { messageOf } from '../../api/problem.ts';
import { secretsQuery, setSecret } from '../../api/secrets.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog, DialogActions } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import { Notice } from '../../ui/notice.tsx';
import { PasswordField } from '../../ui/password-field.tsx';
import { Segments } from '../../ui/segments.tsx';

interface SecretDialogProps {
  /** The secret whose value is replaced; null for a new one. */
  readonly replaced: Secret | null;
  readonly onClose: () => void;
}

const kinds: readonly { value: CredentialKind; label: string }[] = [
  { value: 'anthropic', label: 'Anthropic' },
  { value: 'openai', label: 'OpenAI' },
  { value: 'git', label: 'git' },
];

/** Takes a value, sends it once and forgets it. */
export function SecretDialog({ replaced, onClose }: SecretDialogProps) {
  const client = useQueryClient();
  const [kind, setKind] = useState<CredentialKind>(replaced?.kind ?? 'anthropic');
  const [ownName, setOwnName] = useState(replaced?.name ?? '');
  const [baseUrl, setBaseUrl] = useState(replaced?.baseUrl ?? '');
  const [userName, setUserName] = useState('');
  const [value, setValue] = useState('');
  const name = ownName || kind;
  const save = useMutation({
    mutationFn: () =>
      setSecret(name, {
        kind,
        value,
        ...(baseUrl.trim() ? { baseUrl: baseUrl.trim() } : {}),
        ...(kind === 'git' && userName.trim() ? { userName: userName.trim() } : {}),
      }),
    onSuccess: () => {
      setValue('');
      void client.invalidateQueries({ queryKey: secretsQuery.queryKey });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={replaced ? `Replace the value of ${replaced.name}` : 'Set a secret'}
      description="Sealed for the broker alone. Programs in a sandbox never see it."
    >
      <form onSubmit={submit} className="flex flex-col gap-4" autoComplete="off">
        {save.error && (
          <Notice tone="bad" title="The secret was not set">
            {messageOf(save.error)}
          </Notice>
        )}
        {!replaced && (
          <>
            <Segments label="Kind" value={kind} onChange={setKind} options={kinds} />
            <TextField
              label="Name"
              placeholder={kind}
              hint={`Letters, digits, dots and dashes. Without one it is called ${kind}.`}
              pattern="[a-z][a-z0-9._\-]{0,62}"
              autoCapitalize="off"
              spellCheck={false}
              value={ownName}
              onChange={(event) => setOwnName(event.target.value)}
            />
            <TextField
              label="Only sent to"
              type="url"
              placeholder={kind === 'git' ? 'https://github.com' : 'The provider’s own API'}
              hint="Leave it empty for the default."
              maxLength={512}
              value={baseUrl}
              onChange={(event) => setBaseUrl(event.target.value)}
            />
          </>
        )}
        {kind === 'git' && (
          <TextField
            label="User name"
            placeholder="x-access-token"
            maxLength={128}
            autoCapitalize="off"
            spellCheck={false}
            value={userName}
            onChange={(event) => setUserName(event.target.value)}
          />
        )}
        <PasswordField
          label={kind === 'git' ? 'Token' : 'Key'}
          autoComplete="off"
          required
          maxLength={16_384}
          value={value}
          onChange={(event) => setValue(event.target.value)}
        />
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={save.isPending && 'Setting…'}>
            {replaced ? 'Replace the value' : 'Set the secret'}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
