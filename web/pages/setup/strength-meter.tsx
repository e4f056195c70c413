import { classNames } from '../../ui/class-names.ts';
import type { Strength } from './strength.ts';

const colours = ['bg-bad', 'bg-bad', 'bg-warn', 'bg-good'];

/** Three bars and a word; the word alone says everything. */
export function StrengthMeter({ strength, shown }: { readonly strength: Strength; readonly shown: boolean }) {
  return (
    <div className="flex items-center gap-2">
      <div className="flex w-24 gap-1" aria-hidden>
        {[1, 2, 3].map((bar) => (
          <span
            key={bar}
            className={classNames(
              'h-1 flex-1 rounded-full transition-colors',
              shown && strength.level >= bar ? colours[strength.level] : 'bg-line-strong',
            )}
          />
        ))}
      </div>
      <p className="text-xs text-muted" aria-live="polite">
        {shown ? strength.hint : 'Eight characters or more. A few words work well.'}
      </p>
    </div>
  );
}
