import { useQuery } from '@tanstack/react-query';
import { messageOf } from '../../api/problem.ts';
import { systemQuery } from '../../api/system.ts';
import { Notice } from '../../ui/notice.tsx';
import { StatusDot } from '../../ui/status.tsx';
import { tierWords } from '../workspace/tier.ts';

const parts = {
  database: 'Keeps accounts, workspaces and the audit trail',
  warden: 'Starts and ends sandboxes',
  keeper: 'Holds terminals and writes recordings',
  broker: 'The only way out of a sandbox',
} as const;

/** Whether each part answers, as of now. */
export function SystemState() {
  const { data, error, isPending } = useQuery(systemQuery);
  return (
    <div className="rounded-lg border bg-surface">
      {error && (
        <Notice tone="bad" title="The server does not say how it is" className="m-3">
          {messageOf(error)}
        </Notice>
      )}
      {isPending && <p className="px-4 py-3 text-sm text-muted animate-breathe">Asking…</p>}
      {data && (
        <dl>
          {Object.entries(parts).map(([part, words]) => {
            const ok = data.parts[part as keyof typeof parts] === 'ok';
            return (
              <div key={part} className="flex items-center gap-3 border-b px-4 py-2.5">
                <dt className="min-w-0 flex-1">
                  <span className="block text-sm font-medium capitalize">{part}</span>
                  <span className="block text-xs text-muted">{words}</span>
                </dt>
                <dd className="flex items-center gap-2 text-sm">
                  <StatusDot tone={ok ? 'good' : 'bad'} />
                  {ok ? 'Works' : 'Does not answer'}
                </dd>
              </div>
            );
          })}
          <div className="flex items-center gap-3 border-b px-4 py-2.5 text-sm">
            <dt className="flex-1">Isolation on this machine</dt>
            <dd className="text-muted">{data.tiers.map((tier) => tierWords[tier].short).join(', ')}</dd>
          </div>
          <div className="flex items-center gap-3 px-4 py-2.5 text-sm">
            <dt className="flex-1">Version</dt>
            <dd className="tabular text-muted">{data.version}</dd>
          </div>
        </dl>
      )}
    </div>
  );
}
