import { ArrowDown, ArrowUp, CaseSensitive, X } from 'lucide-react';
import { type KeyboardEvent, useEffect, useState } from 'react';
import { IconButton } from '../ui/button.tsx';

interface SearchBarProps {
  readonly matches: { readonly index: number; readonly count: number };
  readonly onSearch: (text: string, direction: 'next' | 'previous', exact: boolean) => void;
  readonly onClose: () => void;
}

/** Finds text in what the terminal still holds. */
export function SearchBar({ matches, onSearch, onClose }: SearchBarProps) {
  const [text, setText] = useState('');
  const [exact, setExact] = useState(false);
  useEffect(() => onSearch(text, 'previous', exact), [text, exact, onSearch]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') onClose();
    else if (event.key === 'Enter') onSearch(text, event.shiftKey ? 'next' : 'previous', exact);
    else return;
    event.preventDefault();
  };
  const found = text === '' ? '' : matches.count === 0 ? 'Nothing' : `${matches.index + 1} of ${matches.count}`;
  return (
    <search className="absolute top-2 right-3 left-3 z-10 ml-auto flex h-10 max-w-[380px] items-center gap-0.5 rounded-lg bg-raised pr-1 pl-3 shadow-high animate-appear">
      <input
        autoFocus
        aria-label="Search this terminal"
        placeholder="Search this terminal"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        className="h-full min-w-0 flex-1 bg-transparent text-sm outline-none max-sm:text-lg"
      />
      <span className="tabular px-1.5 text-xs text-muted" aria-live="polite">
        {found}
      </span>
      <IconButton label="Match case" aria-pressed={exact} onClick={() => setExact(!exact)}>
        <CaseSensitive size={16} />
      </IconButton>
      <IconButton label="Match before" onClick={() => onSearch(text, 'previous', exact)}>
        <ArrowUp size={15} />
      </IconButton>
      <IconButton label="Match after" onClick={() => onSearch(text, 'next', exact)}>
        <ArrowDown size={15} />
      </IconButton>
      <IconButton label="Close the search" onClick={onClose}>
        <X size={15} />
      </IconButton>
    </search>
  );
}
