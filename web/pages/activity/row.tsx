import { ChevronRight } from 'lucide-react';
import { useState } from 'react';
import type { AuditRecord } from '#contract/audit.ts';
import { classNames } from '../../ui/class-names.ts';
import { StatusDot } from '../../ui/status.tsx';
import { clockTime, fullTime } from '../../ui/time.ts';
import { actorOf, sentenceOf } from './sentence.ts';

const tones = { success: 'good', denied: 'bad', failed: 'warn' } as const;
const words = { success: '', denied: 'Denied', failed: 'Failed' } as const;

interface AuditRowProps {
  readonly record: AuditRecord;
  readonly people: ReadonlyMap<string, string>;
  readonly names: ReadonlyMap<string, string>;
}

/** One record as a sentence; the record itself is under it. */
export function AuditRow({ record, people, names }: AuditRowProps) {
  const [open, setOpen] = useState(false);
  return (
    <li className="border-b last:border-0">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="flex min-h-10 w-full items-center gap-3 px-3 py-2 text-left hover:bg-hover focus-visible:-outline-offset-2"
      >
        <ChevronRight
          size={14}
          aria-hidden
          className={classNames('shrink-0 text-faint transition-transform', open && 'rotate-90')}
        />
        <StatusDot tone={tones[record.outcome]} />
        <span className="min-w-0 flex-1 text-sm break-words">
          <span className="font-medium">{actorOf(record, people)}</span> {sentenceOf(record, names)}
          {words[record.outcome] && <span className="text-bad"> · {words[record.outcome]}</span>}
        </span>
        <time dateTime={record.time} title={fullTime(record.time)} className="tabular shrink-0 text-xs text-muted">
          {clockTime(record.time)}
        </time>
      </button>
      {open && (
        <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-6 gap-y-1 bg-sunken px-10 py-3 font-mono text-xs">
          {details(record).map(([name, value]) => (
            <div key={name} className="contents">
              <dt className="text-muted">{name}</dt>
              <dd className="break-all">{value}</dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}

function details(record: AuditRecord): readonly (readonly [string, string])[] {
  const { chain, sequence, time, event, outcome, actor, requestId, address, fields, hash } = record;
  return [
    ['event', event],
    ['outcome', outcome],
    ['time', time],
    ['actor', Object.values(actor).join(' ')],
    ...Object.entries(fields).map(([name, value]) => [name, String(value)] as const),
    ...(address === null ? [] : [['address', address] as const]),
    ...(requestId === null ? [] : [['request', requestId] as const]),
    ['chain', `${chain} #${sequence}`],
    ['hash', hash],
  ];
}
