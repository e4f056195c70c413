import type { ReactNode } from 'react';
import { classNames } from './class-names.ts';

export type Tone = 'good' | 'warn' | 'bad' | 'idle' | 'accent';

const dots: Record<Tone, string> = {
  good: 'bg-good',
  warn: 'bg-warn',
  bad: 'bg-bad',
  idle: 'bg-line-strong',
  accent: 'bg-accent',
};

/** A coloured dot; always beside a word that says the same. */
export function StatusDot({ tone, live = false }: { readonly tone: Tone; readonly live?: boolean }) {
  return (
    <span
      aria-hidden
      className={classNames('inline-block size-2 shrink-0 rounded-full', dots[tone], live && 'animate-breathe')}
    />
  );
}

const pills: Record<Tone, string> = {
  good: 'bg-good-soft text-good',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
  idle: 'bg-sunken text-muted',
  accent: 'bg-accent-soft text-accent',
};

/** A short word on a soft ground. */
export function Pill({ tone, children, title }: { readonly tone: Tone; readonly children: ReactNode; title?: string }) {
  return (
    <span
      title={title}
      className={classNames(
        'inline-flex h-5 items-center gap-1.5 rounded-full px-2 text-2xs font-medium whitespace-nowrap',
        pills[tone],
      )}
    >
      {children}
    </span>
  );
}
