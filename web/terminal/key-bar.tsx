import { ArrowDown, ArrowLeft, ArrowRight, ArrowUp, ClipboardPaste } from 'lucide-react';
import type { PointerEvent, ReactNode } from 'react';
import { classNames } from '../ui/class-names.ts';
import { type Arrow, bareKeys, type Modifiers } from './keys.ts';

interface KeyBarProps {
  readonly modifiers: Modifiers;
  readonly onModifiers: (modifiers: Modifiers) => void;
  readonly onType: (text: string) => void;
  readonly onArrow: (arrow: Arrow) => void;
  readonly onPaste: () => void;
}

/** Keys that a phone's keyboard lacks. Touching one never takes the focus, so the keyboard stays open. */
export function KeyBar({ modifiers, onModifiers, onType, onArrow, onPaste }: KeyBarProps) {
  const keep = (event: PointerEvent) => event.preventDefault();
  const key = (name: string, face: ReactNode, act: () => void, pressed?: boolean) => (
    <button
      key={name}
      type="button"
      tabIndex={-1}
      aria-label={typeof face === 'string' ? undefined : name}
      aria-pressed={pressed}
      onPointerDown={keep}
      onMouseDown={(event) => event.preventDefault()}
      onClick={act}
      className={classNames(
        'grid h-10 min-w-10 flex-1 shrink-0 place-items-center rounded-md px-2 text-sm font-medium ',
        pressed ? 'bg-accent-fill text-on-accent' : 'bg-raised text-text active:bg-selected',
      )}
    >
      {face}
    </button>
  );
  const toggle = (name: keyof Modifiers) => () => onModifiers({ ...modifiers, [name]: !modifiers[name] });
  const arrows: readonly [Arrow, string, ReactNode][] = [
    ['left', 'Left', <ArrowLeft key="l" size={16} />],
    ['down', 'Down', <ArrowDown key="d" size={16} />],
    ['up', 'Up', <ArrowUp key="u" size={16} />],
    ['right', 'Right', <ArrowRight key="r" size={16} />],
  ];
  return (
    <div
      role="toolbar"
      aria-label="Terminal keys"
      className="flex shrink-0 gap-1 overflow-x-auto border-t bg-sunken p-1 [scrollbar-width:none]"
    >
      {key('Escape', 'Esc', () => onType(bareKeys.escape))}
      {key('Tab', 'Tab', () => onType(bareKeys.tab))}
      {key('Control', 'Ctrl', toggle('ctrl'), modifiers.ctrl)}
      {key('Alt', 'Alt', toggle('alt'), modifiers.alt)}
      {arrows.map(([arrow, name, face]) => key(name, face, () => onArrow(arrow)))}
      {key('Interrupt', '^C', () => onType(bareKeys.interrupt))}
      {['|', '/', '-'].map((letter) => key(letter, letter, () => onType(letter)))}
      {key('Paste', <ClipboardPaste size={16} />, onPaste)}
    </div>
  );
}
