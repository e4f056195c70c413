import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Navigate, useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { ApiError, messageOf } from '../../api/problem.ts';
import { sessionKey, sessionQuery, setUp } from '../../api/session.ts';
import { Button } from '../../ui/button.tsx';
import { TextField } from '../../ui/field.tsx';
import { Notice } from '../../ui/notice.tsx';
import { PasswordField } from '../../ui/password-field.tsx';
import { WelcomeFrame } from '../shell/welcome-frame.tsx';
import { strengthOf } from './strength.ts';
import { StrengthMeter } from './strength-meter.tsx';
import { takeToken } from './token.ts';

/** First run: the owner's account, by the one-time link that `./casemate up` prints. */
export function SetupPage() {
  const [token] = useState(takeToken);
  const { data: session } = useQuery(sessionQuery);
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const client = useQueryClient();
  const navigate = useNavigate();

  if (session && !session.setupNeeded && !busy) return <Navigate to="/workspaces" search={{}} replace />;
  if (token === null) {
    return (
      <WelcomeFrame title="Set up this server" lead="One step is left, and it starts in the terminal of the server.">
        <Notice tone="info" title="Open the set-up link">
          <code className="font-mono text-xs">./casemate up</code> printed a link that works once. Open exactly that
          link; this address alone cannot make an owner.
        </Notice>
      </WelcomeFrame>
    );
  }

  const strength = strengthOf(password, [name, email]);
  const weak = error instanceof ApiError && error.code === 'weak_password';
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      client.setQueryData(sessionKey, await setUp({ token, name: name.trim(), email: email.trim(), password }));
      await navigate({ to: '/workspaces', search: { create: true } });
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };

  return (
    <WelcomeFrame
      title="Make this server yours"
      lead="You become its owner. Everything stays on this machine; nothing is sent anywhere."
    >
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        {error !== null && !weak && (
          <Notice tone="bad" title="The account was not made">
            {messageOf(error)}
            {error instanceof ApiError && error.code === 'setup_refused' && (
              <>
                {' '}
                Restart <code className="font-mono text-xs">./casemate up</code> for a new link.
              </>
            )}
          </Notice>
        )}
        <TextField
          label="Your name"
          autoComplete="name"
          required
          maxLength={80}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <TextField
          label="E-mail address"
          type="email"
          autoComplete="username"
          required
          maxLength={254}
          hint="You sign in with it."
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <div className="flex flex-col gap-2">
          <PasswordField
            label="Password"
            autoComplete="new-password"
            required
            minLength={8}
            maxLength={256}
            value={password}
            error={weak ? messageOf(error) : undefined}
            onChange={(event) => setPassword(event.target.value)}
          />
          <StrengthMeter strength={strength} shown={password !== ''} />
        </div>
        <Button type="submit" look="primary" size="large" busy={busy && 'Making your account…'} className="mt-2">
          Make the account
        </Button>
      </form>
    </WelcomeFrame>
  );
}
