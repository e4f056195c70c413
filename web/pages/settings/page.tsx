import { useMutation, useQuery } from '@tanstack/react-query';
import { LogOut } from 'lucide-react';
import type { ReactNode } from 'react';
import { messageOf } from '../../api/problem.ts';
import { sessionQuery, signOut, useCan } from '../../api/session.ts';
import { Button } from '../../ui/button.tsx';
import { Page } from '../../ui/page.tsx';
import { useToast } from '../../ui/toast.tsx';
import { Appearance } from './appearance.tsx';
import { Secrets } from './secrets.tsx';
import { SystemState } from './system-state.tsx';

export function SettingsPage() {
  const can = useCan();
  const toast = useToast();
  const { data: session } = useQuery(sessionQuery);
  const leave = useMutation({
    mutationFn: signOut,
    // A new page: nothing that was read stays in memory.
    onSuccess: () => location.assign('/sign-in'),
    onError: (error) => toast({ tone: 'bad', title: 'You are still signed in', detail: messageOf(error) }),
  });
  return (
    <Page title="Settings">
      <div className="flex max-w-[720px] flex-col gap-10">
        <Section title="Account">
          <div className="flex flex-wrap items-center gap-3 rounded-lg border bg-surface px-4 py-3">
            <div className="min-w-0 flex-1">
              <p className="truncate text-md font-medium">{session?.user?.name}</p>
              <p className="truncate text-xs text-muted">
                {session?.user?.email}
                {session?.team && ` · ${session.team.role} of ${session.team.name}`}
              </p>
            </div>
            <Button
              icon={<LogOut size={14} aria-hidden />}
              busy={leave.isPending && 'Signing out…'}
              onClick={() => leave.mutate()}
            >
              Sign out
            </Button>
          </div>
        </Section>
        <Section title="Appearance">
          <Appearance />
        </Section>
        {can('secret:read') && (
          <Section
            id="secrets"
            title="Secrets"
            lead="Kept outside every sandbox and added to requests on their way out. A value can be set and removed; nobody can read it back."
          >
            <Secrets />
          </Section>
        )}
        {can('system:read') && (
          <Section title="This server">
            <SystemState />
          </Section>
        )}
      </div>
    </Page>
  );
}

interface SectionProps {
  readonly id?: string;
  readonly title: string;
  readonly lead?: string;
  readonly children: ReactNode;
}

function Section({ id, title, lead, children }: SectionProps) {
  return (
    <section id={id} className="scroll-mt-6">
      <h2 className="text-md font-semibold">{title}</h2>
      {lead && <p className="mt-0.5 max-w-[64ch] text-sm text-muted">{lead}</p>}
      <div className="mt-3">{children}</div>
    </section>
  );
}
