import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react';
import { classNames } from './class-names.ts';

type Look = 'primary' | 'secondary' | 'quiet' | 'danger';

const looks: Record<Look, string> = {
  primary: 'bg-accent-fill text-on-accent hover:bg-accent-fill-hover shadow-low',
  secondary: 'bg-surface text-text border border-line-strong hover:bg-hover shadow-low',
  quiet: 'text-muted hover:bg-hover hover:text-text',
  danger: 'bg-bad-fill text-on-bad hover:opacity-90 shadow-low',
};

const sizes = {
  small: 'h-7 px-2.5 gap-1.5 text-xs',
  normal: 'h-8 px-3 gap-2 text-sm',
  large: 'h-10 px-4 gap-2 text-md',
};

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: Look;
  readonly size?: keyof typeof sizes;
  readonly icon?: ReactNode;
  /** What is being done; shown instead of the label, and the button waits. */
  readonly busy?: string | false | undefined;
  readonly ref?: Ref<HTMLButtonElement>;
}

/** The one button. */
export function Button({
  look = 'secondary',
  size = 'normal',
  icon,
  busy,
  className,
  children,
  disabled,
  type = 'button',
  ...rest
}: ButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      disabled={disabled === true || Boolean(busy)}
      aria-busy={busy ? true : undefined}
      className={classNames(
        'inline-flex shrink-0 select-none items-center justify-center whitespace-nowrap rounded-md font-medium transition-colors duration-100 disabled:opacity-55 pointer-coarse:min-h-10',
        looks[look],
        sizes[size],
        className,
      )}
    >
      {icon}
      {busy ? <span className="animate-breathe">{busy}</span> : children}
    </button>
  );
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** The name a screen reader says, and the tooltip. */
  readonly label: string;
  readonly ref?: Ref<HTMLButtonElement>;
}

/** A button that is only an icon, with a name. */
export function IconButton({ label, className, children, type = 'button', ...rest }: IconButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      aria-label={label}
      title={label}
      className={classNames(
        'inline-flex size-7 shrink-0 items-center justify-center rounded-md text-muted transition-colors duration-100 hover:bg-hover hover:text-text disabled:opacity-40 aria-expanded:bg-hover aria-pressed:bg-selected aria-pressed:text-accent pointer-coarse:size-10',
        className,
      )}
    >
      {children}
    </button>
  );
}
