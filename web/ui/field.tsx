import { type InputHTMLAttributes, type ReactNode, type TextareaHTMLAttributes, useId } from 'react';
import { classNames } from './class-names.ts';

interface FrameProps {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | undefined;
  readonly children: (ids: { id: string; describedBy: string | undefined; invalid: boolean }) => ReactNode;
}

/** A label, a control, and what there is to say about it. */
export function Field({ label, hint, error, children }: FrameProps) {
  const id = useId();
  const note = `${id}-note`;
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      {children({ id, describedBy: hint || error ? note : undefined, invalid: Boolean(error) })}
      {(error || hint) && (
        <div id={note} className={classNames('text-xs', error ? 'text-bad' : 'text-faint')}>
          {error ?? hint}
        </div>
      )}
    </div>
  );
}

export const controlClass =
  'w-full rounded-md border border-control-line bg-surface px-2.5 text-md text-text transition-colors hover:border-muted focus:border-focus focus-visible:outline-offset-0 aria-invalid:border-bad disabled:opacity-60 max-sm:text-lg';

interface TextFieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'id'> {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | undefined;
  readonly trailing?: ReactNode;
}

/** One line of text. */
export function TextField({ label, hint, error, trailing, className, ...rest }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {({ id, describedBy, invalid }) => (
        <div className="relative">
          <input
            {...rest}
            id={id}
            aria-describedby={describedBy}
            aria-invalid={invalid || undefined}
            className={classNames(controlClass, 'h-9 max-sm:h-11', trailing ? 'pr-11' : '', className)}
          />
          {trailing && <div className="absolute inset-y-0 right-1 flex items-center">{trailing}</div>}
        </div>
      )}
    </Field>
  );
}

interface AreaProps extends Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, 'id'> {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | undefined;
}

/** Several lines of text. */
export function TextArea({ label, hint, error, className, ...rest }: AreaProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {({ id, describedBy, invalid }) => (
        <textarea
          {...rest}
          id={id}
          aria-describedby={describedBy}
          aria-invalid={invalid || undefined}
          className={classNames(controlClass, 'min-h-16 py-2', className)}
        />
      )}
    </Field>
  );
}
