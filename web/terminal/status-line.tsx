import { Check, Eye, Search, Settings2 } from 'lucide-react';
import { IconButton } from '../ui/button.tsx';
import { Menu, MenuItem, MenuSeparator } from '../ui/menu.tsx';
import { StatusDot, type Tone } from '../ui/status.tsx';
import type { ConnectionState } from './connection.ts';
import type { TerminalPreferences } from './preferences.ts';

export interface Exit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

interface StatusLineProps {
  readonly state: ConnectionState;
  readonly latency: number | null;
  readonly exit: Exit | null;
  readonly viewers: number;
  readonly preferences: TerminalPreferences;
  readonly onSearch: () => void;
}

const faces: Record<ConnectionState, { tone: Tone; word: string; live: boolean }> = {
  connecting: { tone: 'accent', word: 'Connecting', live: true },
  live: { tone: 'good', word: 'Connected', live: false },
  slow: { tone: 'warn', word: 'Waiting for the server', live: true },
  lost: { tone: 'bad', word: 'Connection lost', live: true },
  ended: { tone: 'idle', word: 'Ended', live: false },
};

/** How a program ended, in words. */
export function exitWords({ exitCode, signal }: Exit): string {
  if (signal) return `Ended by ${signal}`;
  if (exitCode === null) return 'Ended';
  return exitCode === 0 ? 'Ended without error' : `Ended with exit code ${exitCode}`;
}

/** The thin line under a terminal. */
export function StatusLine({ state, latency, exit, viewers, preferences, onSearch }: StatusLineProps) {
  const face = exit ? faces.ended : faces[state];
  const { fontSize, setFontSize, screenReader, setScreenReader, copyOnSelect, setCopyOnSelect } = preferences;
  return (
    <div className="flex h-8 shrink-0 items-center gap-3 border-t bg-surface pr-1.5 pl-3 text-xs text-muted pointer-coarse:h-10">
      <span className="flex items-center gap-2" role="status">
        <StatusDot tone={exit && exit.exitCode !== 0 ? 'bad' : face.tone} live={!exit && face.live} />
        {exit ? exitWords(exit) : face.word}
      </span>
      {latency !== null && !exit && (
        <span className="tabular" title="The way to the server and back">
          {latency < 1 ? '<1' : Math.round(latency)} ms
        </span>
      )}
      {viewers > 1 && (
        <span className="flex items-center gap-1" title={`${viewers} windows show this terminal`}>
          <Eye size={13} aria-hidden />
          <span className="tabular">{viewers}</span>
          <span className="sr-only">windows show this terminal</span>
        </span>
      )}
      <span className="flex-1" />
      <IconButton label="Search this terminal" className="!size-6 pointer-coarse:!size-10" onClick={onSearch}>
        <Search size={14} />
      </IconButton>
      <Menu
        trigger={
          <IconButton label="Terminal settings" className="!size-6 pointer-coarse:!size-10">
            <Settings2 size={14} />
          </IconButton>
        }
      >
        <MenuItem onSelect={() => setFontSize(fontSize + 1)} hint={`${fontSize} px`}>
          Larger text
        </MenuItem>
        <MenuItem onSelect={() => setFontSize(fontSize - 1)}>Smaller text</MenuItem>
        <MenuSeparator />
        <MenuItem onSelect={() => setCopyOnSelect(!copyOnSelect)} hint={copyOnSelect && <Check size={14} />}>
          Copy on select
        </MenuItem>
        <MenuItem onSelect={() => setScreenReader(!screenReader)} hint={screenReader && <Check size={14} />}>
          Screen reader mode
        </MenuItem>
      </Menu>
    </div>
  );
}
