import { classNames } from './class-names.ts';

interface ProgressProps {
  readonly label: string;
  /** 0 to 100; null while nobody knows. */
  readonly percent: number | null;
}

/** A thin bar that says how far something is. */
export function Progress({ label, percent }: ProgressProps) {
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent === null ? undefined : Math.round(percent)}
      className="relative h-1 overflow-hidden rounded-full bg-line"
    >
      <div
        className={classNames(
          'h-full rounded-full bg-accent-fill',
          percent === null ? 'absolute w-2/5 animate-sweep' : 'transition-[width] duration-200',
        )}
        style={percent === null ? undefined : { width: `${percent}%` }}
      />
    </div>
  );
}
