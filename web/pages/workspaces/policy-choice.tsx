import { CodeXml, Lock } from 'lucide-react';
import { classNames } from '../../ui/class-names.ts';

const choices = [
  {
    value: 'coding',
    name: 'Coding',
    Icon: CodeXml,
    words: 'Git hosts, package registries and model APIs can be reached. All else is refused, and shown.',
  },
  {
    value: 'closed',
    name: 'Closed',
    Icon: Lock,
    words: 'Nothing leaves the sandbox. You can allow single hosts later.',
  },
] as const;

export type PolicyChoiceValue = (typeof choices)[number]['value'];

interface PolicyChoiceProps {
  readonly value: PolicyChoiceValue;
  readonly onChange: (value: PolicyChoiceValue) => void;
}

/** What may leave, in plain words. */
export function PolicyChoice({ value, onChange }: PolicyChoiceProps) {
  return (
    <fieldset>
      <legend className="mb-1.5 text-sm font-medium">What may leave the sandbox</legend>
      <div className="grid gap-2 sm:grid-cols-2">
        {choices.map(({ value: own, name, Icon, words }) => (
          <label
            key={own}
            className={classNames(
              'flex cursor-pointer gap-3 rounded-lg border p-3 transition-colors has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent',
              own === value ? 'border-accent bg-accent-soft' : 'border-control-line hover:bg-hover',
            )}
          >
            <input
              type="radio"
              name="policy"
              value={own}
              checked={own === value}
              onChange={() => onChange(own)}
              className="sr-only"
            />
            <Icon
              size={16}
              aria-hidden
              className={classNames('mt-0.5 shrink-0', own === value ? 'text-accent' : 'text-muted')}
            />
            <span>
              <span className="block text-sm font-medium">{name}</span>
              <span className="mt-0.5 block text-xs text-muted">{words}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
