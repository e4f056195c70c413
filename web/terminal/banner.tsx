import { Unplug } from 'lucide-react';
import { Button } from '../ui/button.tsx';
import type { ConnectionState } from './connection.ts';

interface BannerProps {
  readonly state: ConnectionState;
  readonly attempt: number;
  readonly notSent: boolean;
  readonly onRetry: () => void;
}

/** Says that the connection is lost, and that nothing in the sandbox is. */
export function ConnectionBanner({ state, attempt, notSent, onRetry }: BannerProps) {
  if (state !== 'lost' && state !== 'slow') return null;
  return (
    <div
      role="status"
      className="absolute inset-x-3 top-2 z-10 mx-auto flex max-w-[560px] items-center gap-3 rounded-lg bg-warn-soft py-2 pr-2 pl-3 text-sm shadow-high animate-appear"
    >
      <Unplug size={16} className="shrink-0 text-warn" aria-hidden />
      <p className="min-w-0 flex-1">
        <span className="font-medium">
          {state === 'slow' ? 'The server has not answered yet.' : 'The connection is lost.'}
        </span>{' '}
        <span className="text-muted">
          {notSent
            ? 'What you typed was not sent.'
            : state === 'slow'
              ? 'Waiting.'
              : `Your program goes on. ${attempt > 0 ? `Trying again (${attempt + 1}).` : 'Connecting again.'}`}
        </span>
      </p>
      {state === 'lost' && (
        <Button size="small" onClick={onRetry}>
          Try now
        </Button>
      )}
    </div>
  );
}
