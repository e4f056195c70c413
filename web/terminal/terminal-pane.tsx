import { useCallback, useEffect, useRef, useState } from 'react';
import type { Terminal } from '#contract/api.ts';
import { useMedia } from '../ui/media.ts';
import { useToast } from '../ui/toast.tsx';
import { ConnectionBanner } from './banner.tsx';
import { readClipboard } from './clipboard.ts';
import type { ConnectionState } from './connection.ts';
import { KeyBar } from './key-bar.tsx';
import { type Modifiers, withModifiers } from './keys.ts';
import { needsGuard } from './paste.ts';
import { PasteDialog } from './paste-dialog.tsx';
import { SearchBar } from './search-bar.tsx';
import { openSession, type Session } from './session.ts';
import { takeStarted } from './started-here.ts';
import { type Exit, StatusLine } from './status-line.tsx';
import { useTerminalPreferences } from './preferences.ts';

const noModifiers: Modifiers = { ctrl: false, alt: false };

interface TerminalPaneProps {
  readonly terminal: Terminal;
  readonly visible: boolean;
  readonly mayDrive: boolean;
  /** The terminal may have gone for good: the list should be asked. */
  readonly onDoubt: () => void;
  readonly onLeave: () => void;
}

/** One terminal: the screen and everything that stands on it. */
export function TerminalPane({ terminal, visible, mayDrive, onDoubt, onLeave }: TerminalPaneProps) {
  const container = useRef<HTMLDivElement>(null);
  const session = useRef<Session | null>(null);
  const [state, setState] = useState<ConnectionState>('connecting');
  const [attempt, setAttempt] = useState(0);
  const [latency, setLatency] = useState<number | null>(null);
  const [exit, setExit] = useState<Exit | null>(null);
  const [notSent, setNotSent] = useState(false);
  const [searching, setSearching] = useState(false);
  const [matches, setMatches] = useState({ index: -1, count: 0 });
  const [pasted, setPasted] = useState<string | null>(null);
  const [modifiers, setModifiers] = useState(noModifiers);
  const preferences = useTerminalPreferences();
  const coarse = useMedia('(pointer: coarse)');
  const toast = useToast();

  const paste = useCallback((text: string) => {
    if (needsGuard(text)) setPasted(text);
    else session.current?.paste(text);
  }, []);
  const latest = useRef({ modifiers, preferences, onDoubt, onLeave, toast, size: terminal.size });
  latest.current = { modifiers, preferences, onDoubt, onLeave, toast, size: terminal.size };

  useEffect(() => {
    const element = container.current;
    if (!element) return undefined;
    let live = true;
    // xterm measures its cells once, so the font has to be there before.
    const fonts = Promise.race([
      document.fonts.load("13px 'JetBrains Mono Variable'"),
      new Promise((resolve) => setTimeout(resolve, 1500)),
    ]);
    void fonts.then(() => {
      if (!live) return;
      session.current = openSession({
        container: element,
        terminalId: terminal.id,
        label: `Terminal ${terminal.title}`,
        size: latest.current.size,
        fontSize: latest.current.preferences.fontSize,
        screenReader: latest.current.preferences.screenReader,
        copyOnSelect: () => latest.current.preferences.copyOnSelect,
        onState: (next, tries) => {
          setState(next);
          setAttempt(tries);
          if (next === 'live') setNotSent(false);
          if (next === 'lost') setLatency(null);
          if (next === 'lost' && tries >= 2) latest.current.onDoubt();
        },
        answersHistory: takeStarted(terminal.id),
        onLatency: setLatency,
        onEnded: (how) => {
          setExit(how);
          latest.current.onDoubt();
        },
        onNotice: (message) => latest.current.toast({ tone: 'warn', title: message }),
        onTyped: (text) => {
          const changed = withModifiers(text, latest.current.modifiers);
          if (latest.current.modifiers !== noModifiers) setModifiers(noModifiers);
          return changed;
        },
        onPaste: paste,
        onNotSent: () => setNotSent(true),
        onSearch: () => setSearching(true),
        onLeave: () => latest.current.onLeave(),
        onMatches: (index, count) => setMatches({ index, count }),
      });
      session.current.setVisible(element.offsetParent !== null);
      if (element.offsetParent !== null && !coarse) session.current.focus();
    });
    return () => {
      live = false;
      session.current?.dispose();
      session.current = null;
    };
  }, [terminal.id, terminal.title, paste, coarse]);

  useEffect(() => {
    session.current?.setVisible(visible);
    if (visible && !coarse) session.current?.focus();
  }, [visible, coarse]);
  useEffect(() => session.current?.setScreenReader(preferences.screenReader), [preferences.screenReader]);
  useEffect(() => session.current?.setFontSize(preferences.fontSize), [preferences.fontSize]);

  const onSearch = useCallback(
    (text: string, direction: 'next' | 'previous', exact: boolean) => session.current?.search(text, direction, exact),
    [],
  );
  const closeSearch = () => {
    setSearching(false);
    session.current?.endSearch();
    session.current?.focus();
  };
  const pasteFromClipboard = async () => {
    const text = await readClipboard();
    if (text === null)
      toast({
        tone: 'warn',
        title: 'The browser did not give the clipboard',
        detail: 'Hold the terminal and choose Paste.',
      });
    else paste(text);
  };
  const endPaste = (text: string | null) => {
    setPasted(null);
    if (text !== null) session.current?.paste(text);
    requestAnimationFrame(() => session.current?.focus());
  };

  return (
    <div className="absolute inset-0 flex flex-col bg-terminal" hidden={!visible}>
      <div className="relative min-h-0 flex-1">
        <div
          ref={container}
          className="absolute inset-y-1.5 right-0 left-2.5 overflow-hidden"
          data-terminal={terminal.id}
        />
        {searching ? (
          <SearchBar matches={matches} onSearch={onSearch} onClose={closeSearch} />
        ) : (
          <ConnectionBanner
            state={state}
            attempt={attempt}
            notSent={notSent}
            onRetry={() => session.current?.retry()}
          />
        )}
      </div>
      <StatusLine
        state={state}
        latency={latency}
        exit={exit ?? (terminal.state === 'ended' ? terminal : null)}
        viewers={terminal.viewers}
        preferences={preferences}
        onSearch={() => setSearching(true)}
      />
      {coarse && mayDrive && state !== 'ended' && (
        <KeyBar
          modifiers={modifiers}
          onModifiers={(next) => setModifiers(next.ctrl || next.alt ? next : noModifiers)}
          onType={(text) => session.current?.type(text)}
          onArrow={(arrow) => {
            session.current?.arrow(arrow, modifiers);
            setModifiers(noModifiers);
          }}
          onPaste={() => void pasteFromClipboard()}
        />
      )}
      {pasted !== null && (
        <PasteDialog text={pasted} onPaste={(text) => endPaste(text)} onClose={() => endPaste(null)} />
      )}
    </div>
  );
}
