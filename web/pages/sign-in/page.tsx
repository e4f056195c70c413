import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Navigate, useRouter, useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { messageOf } from '../../api/problem.ts';
import { sessionKey, sessionQuery, signIn } from '../../api/session.ts';
import { Button } from '../../ui/button.tsx';
import { TextField } from '../../ui/field.tsx';
import { Notice } from '../../ui/notice.tsx';
import { PasswordField } from '../../ui/password-field.tsx';
import { WelcomeFrame } from '../shell/welcome-frame.tsx';

export function SignInPage() {
  const { next } = useSearch({ from: '/sign-in' });
  const { data: session } = useQuery(sessionQuery);
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const client = useQueryClient();
  const router = useRouter();

  if (session?.setupNeeded) return <Navigate to="/setup" replace />;
  if (session?.user && !busy) return <Navigate to="/workspaces" search={{}} replace />;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      client.setQueryData(sessionKey, await signIn({ email: email.trim(), password }));
      router.history.push(next ?? '/workspaces');
    } catch (failure) {
      setError(failure);
      setPassword('');
      setBusy(false);
    }
  };

  return (
    <WelcomeFrame
      title="Sign in"
      lead={next ? 'Your session ended. What runs keeps running.' : 'To the server you own.'}
    >
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        {error !== null && (
          <Notice tone="bad" title="Not signed in">
            {messageOf(error)}
          </Notice>
        )}
        <TextField
          label="E-mail address"
          type="email"
          autoComplete="username"
          required
          autoFocus
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <PasswordField
          label="Password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Button type="submit" look="primary" size="large" busy={busy && 'Signing in…'} className="mt-2">
          Sign in
        </Button>
      </form>
    </WelcomeFrame>
  );
}
