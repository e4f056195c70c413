import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { auditCatalogue, type AuditRecord } from '#contract/audit.ts';
import { auditQuery } from '../../api/audit.ts';
import { messageOf } from '../../api/problem.ts';
import { sessionQuery } from '../../api/session.ts';
import { workspacesQuery } from '../../api/workspaces.ts';
import { Button } from '../../ui/button.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Page } from '../../ui/page.tsx';
import { AuditRow } from './row.tsx';

const events = Object.keys(auditCatalogue);

export function ActivityPage() {
  const [event, setEvent] = useState<string | null>(null);
  const [text, setText] = useState('');
  const [steps, setSteps] = useState(false);
  const { data: session } = useQuery(sessionQuery);
  const { data: workspaces } = useQuery(workspacesQuery);
  const query = useInfiniteQuery(auditQuery(event));
  const people = useMemo(
    () => new Map(session?.user ? [[session.user.id as string, session.user.name]] : []),
    [session],
  );
  const names = useMemo(() => new Map(workspaces?.map(({ id, name }) => [id as string, name])), [workspaces]);
  const records = (query.data?.pages.flatMap(({ items }) => items) ?? []).filter(
    (record) => steps || event !== null || record.event !== 'warden.command',
  );
  const wanted = text.trim().toLowerCase();
  const shown =
    wanted === '' ? records : records.filter((record) => JSON.stringify(record).toLowerCase().includes(wanted));
  const days = byDay(shown);

  return (
    <Page
      title="Activity"
      lead="Everything that people, keys, sandboxes and this server did. Nothing here can be edited."
    >
      <div className="mb-5 flex flex-wrap gap-2">
        <select
          aria-label="Kind of event"
          value={event ?? ''}
          onChange={(change) => setEvent(change.target.value || null)}
          className="h-8 rounded-md border border-control-line bg-surface px-2 text-sm pointer-coarse:h-11 max-sm:flex-1 max-sm:text-lg"
        >
          <option value="">Every event</option>
          {events.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <input
          type="search"
          aria-label="Filter what is shown"
          placeholder="Filter what is shown"
          value={text}
          onChange={(change) => setText(change.target.value)}
          className="h-8 w-56 rounded-md border border-control-line bg-surface px-2.5 text-sm pointer-coarse:h-11 max-sm:flex-1 max-sm:text-lg"
        />
        <label className="flex h-8 items-center gap-2 text-sm text-muted pointer-coarse:h-11">
          <input
            type="checkbox"
            checked={steps}
            onChange={(change) => setSteps(change.target.checked)}
            className="size-4 accent-accent"
          />
          The single steps of the server too
        </label>
      </div>
      {query.error && (
        <Notice
          tone="bad"
          title="The trail could not be read"
          actions={
            <Button size="small" onClick={() => void query.refetch()}>
              Try again
            </Button>
          }
        >
          {messageOf(query.error)}
        </Notice>
      )}
      {query.isPending && <p className="text-sm text-muted animate-breathe">Reading the trail…</p>}
      {query.data && shown.length === 0 && <p className="py-12 text-center text-sm text-muted">Nothing matches.</p>}
      {days.map(({ day, records: own }) => (
        <section key={day} className="mb-6">
          <h2 className="mb-2 text-xs font-medium text-muted">{day}</h2>
          <ul className="overflow-hidden rounded-lg border bg-surface">
            {own.map((record) => (
              <AuditRow key={`${record.chain} ${record.sequence}`} record={record} people={people} names={names} />
            ))}
          </ul>
        </section>
      ))}
      {query.hasNextPage && (
        <Button busy={query.isFetchingNextPage && 'Reading…'} onClick={() => void query.fetchNextPage()}>
          Show older
        </Button>
      )}
    </Page>
  );
}

const dayFormat = new Intl.DateTimeFormat(undefined, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
});

function byDay(records: readonly AuditRecord[]): readonly { day: string; records: AuditRecord[] }[] {
  const days: { day: string; records: AuditRecord[] }[] = [];
  for (const record of records) {
    const day = dayFormat.format(new Date(record.time));
    const last = days.at(-1);
    if (last?.day === day) last.records.push(record);
    else days.push({ day, records: [record] });
  }
  return days;
}
