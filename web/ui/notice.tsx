import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { classNames } from './class-names.ts';

const tones = {
  bad: { box: 'bg-bad-soft', icon: 'text-bad', Icon: CircleAlert },
  warn: { box: 'bg-warn-soft', icon: 'text-warn', Icon: TriangleAlert },
  good: { box: 'bg-good-soft', icon: 'text-good', Icon: CircleCheck },
  info: { box: 'bg-sunken', icon: 'text-muted', Icon: Info },
};

interface NoticeProps {
  readonly tone: keyof typeof tones;
  readonly title: string;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
  readonly className?: string;
}

/** What happened, what was kept, what to do. */
export function Notice({ tone, title, children, actions, className }: NoticeProps) {
  const { box, icon, Icon } = tones[tone];
  return (
    <div
      role={tone === 'bad' ? 'alert' : 'status'}
      className={classNames('flex items-start gap-3 rounded-lg px-3 py-2.5', box, className)}
    >
      <Icon size={16} className={classNames('mt-0.5 shrink-0', icon)} aria-hidden />
      <div className="min-w-0 flex-1">
        <p className="text-sm font-medium">{title}</p>
        {children && <div className="mt-0.5 text-sm text-muted break-words">{children}</div>}
        {actions && <div className="mt-2 flex flex-wrap gap-2">{actions}</div>}
      </div>
    </div>
  );
}
