import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Ban, Check, KeyRound } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import type { Workspace } from '#contract/api.ts';
import { matchesDestination } from '#contract/policy.ts';
import { egressQuery } from '../../api/egress.ts';
import { messageOf } from '../../api/problem.ts';
import { useCan } from '../../api/session.ts';
import { allowDestination, workspaceQuery } from '../../api/workspaces.ts';
import { Button } from '../../ui/button.tsx';
import { Segments } from '../../ui/segments.tsx';
import { StatusDot } from '../../ui/status.tsx';
import { fullTime, relativeTime } from '../../ui/time.ts';
import { useToast } from '../../ui/toast.tsx';
import { policySentence } from '../workspaces/policy-words.ts';
import { policyNames } from '../workspaces/state.ts';
import { type EgressGroup, groupEgress } from './egress-groups.ts';

interface NetworkPanelProps {
  readonly workspace: Workspace;
  readonly live: boolean;
}

/** The one refusal that allowing a destination changes (`decidePolicy`). */
const notInPolicy = 'not in the policy';

/** What left the sandbox and what was refused. */
export function NetworkPanel({ workspace, live }: NetworkPanelProps) {
  const { data, error, isPending } = useQuery(egressQuery(workspace.id));
  const [filter, setFilter] = useState<'all' | 'refused'>('all');
  const groups = useMemo(() => groupEgress(data ?? []), [data]);
  useMinuteTick();
  const refused = groups.filter(({ allowed }) => !allowed);
  const shown = filter === 'refused' ? refused : groups;
  const left = groups.length - refused.length;
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex h-9 shrink-0 items-center gap-2 border-b px-3 max-lg:hidden">
        <h2 className="flex-1 text-sm font-medium">Network</h2>
        <span className="flex items-center gap-1.5 text-xs text-muted" role="status">
          <StatusDot tone={live ? 'good' : 'warn'} live={!live} />
          {live ? 'Live' : 'Connecting again'}
        </span>
      </div>
      <div className="border-b px-3 py-3">
        <p className="text-xs text-muted">
          <span className="font-medium text-text">{policyNames[workspace.policyPreset]}.</span>{' '}
          {policySentence(workspace.policy)}
        </p>
        <div className="mt-2.5">
          <Segments
            label="Which connections"
            value={filter}
            onChange={setFilter}
            options={[
              { value: 'all', label: `All ${left + refused.length}` },
              { value: 'refused', label: `Refused ${refused.length}` },
            ]}
          />
        </div>
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto">
        {error && <p className="px-3 py-3 text-sm text-bad">{messageOf(error)}</p>}
        {isPending && <p className="px-3 py-3 text-sm text-muted animate-breathe">Reading the journal…</p>}
        {data && shown.length === 0 && (
          <p className="px-3 py-3 text-sm text-muted">
            {filter === 'refused'
              ? 'Nothing was refused.'
              : 'Nothing has left this sandbox. Each connection that a program tries shows up here, with the decision.'}
          </p>
        )}
        <ul>
          {shown.map((group) => (
            <GroupRow key={group.key} group={group} workspace={workspace} />
          ))}
        </ul>
      </div>
    </div>
  );
}

function GroupRow({ group, workspace }: { readonly group: EgressGroup; readonly workspace: Workspace }) {
  const can = useCan();
  const client = useQueryClient();
  const toast = useToast();
  const { host, port, allowed, count, time, reason, credentials } = group;
  const allow = useMutation({
    mutationFn: () => allowDestination(workspace.id, { host, ports: [port] }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: workspaceQuery(workspace.id).queryKey });
      toast({ title: `${host} may be reached now`, detail: 'Try again in the terminal.' });
    },
    onError: (failure) => toast({ tone: 'bad', title: `${host} was not allowed`, detail: messageOf(failure) }),
  });
  const allowedSince =
    !allowed && workspace.policy.allow.some((destination) => matchesDestination(destination, host, port));
  return (
    <li className="flex gap-2.5 border-b px-3 py-2.5 animate-appear">
      <span className="mt-0.5 shrink-0">
        {allowed ? (
          <Check size={14} className="text-good" aria-label="Left" />
        ) : (
          <Ban size={14} className="text-bad" aria-label="Refused" />
        )}
      </span>
      <div className="min-w-0 flex-1">
        <p className="flex items-baseline gap-2">
          <span className="min-w-0 text-sm font-medium break-all">
            {host}
            {port !== 443 && <span className="text-muted">:{port}</span>}
          </span>
          {count > 1 && <span className="tabular shrink-0 text-xs text-muted">{count} times</span>}
        </p>
        <p className="text-xs text-muted">
          <span>{allowed ? sentence(reason) : `Refused: ${reason}`}</span>
          {' · '}
          <time dateTime={time} title={fullTime(time)}>
            {relativeTime(time)}
          </time>
        </p>
        {credentials.map((name) => (
          <p key={name} className="mt-1 flex items-center gap-1.5 text-xs text-accent">
            <KeyRound size={12} aria-hidden /> {name} was added outside
          </p>
        ))}
        {allowedSince && <p className="mt-1 text-xs text-good">Allowed since then.</p>}
        {!allowed && !allowedSince && reason === notInPolicy && can('policy:write') && (
          <Button size="small" className="mt-2" busy={allow.isPending && 'Allowing…'} onClick={() => allow.mutate()}>
            Allow for this workspace
          </Button>
        )}
      </div>
    </li>
  );
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** Draws again each half minute, so that “2 min. ago” stays true. */
function useMinuteTick(): void {
  const [, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((before) => before + 1), 30_000);
    return () => clearInterval(timer);
  }, []);
}
