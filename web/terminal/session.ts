import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import { type ISearchOptions, SearchAddon } from '@xterm/addon-search';
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { type IDisposable, Terminal } from '@xterm/xterm';
import type { TerminalSize } from '#contract/common.ts';
import { onThemeChange } from '../ui/theme.ts';
import { documentWithAdoptedStyles, withAdoptedStyles } from './adopted-style.ts';
import { letterSpacing } from './cell.ts';
import { copyText } from './clipboard.ts';
import { readColours } from './colours.ts';
import { type ConnectionOptions, openConnection } from './connection.ts';
import { type Arrow, arrowSequence, type Modifiers } from './keys.ts';
import { watchReplies } from './replies.ts';
import { watchWebgl } from './webgl.ts';

export interface SessionOptions
  extends Omit<ConnectionOptions, 'url' | 'screen' | 'onSize' | 'onRole' | 'createSocket'> {
  readonly container: HTMLElement;
  readonly terminalId: string;
  readonly label: string;
  /** The terminal's size, so that what it showed is drawn as it was. */
  readonly size: TerminalSize;
  readonly fontSize: number;
  readonly screenReader: boolean;
  /** Changes typed text, for modifiers held on the key bar. */
  readonly onTyped: (text: string) => string;
  readonly onPaste: (text: string) => void;
  readonly onNotSent: () => void;
  readonly onSearch: () => void;
  readonly onLeave: () => void;
  readonly onMatches: (index: number, count: number) => void;
  readonly copyOnSelect: () => boolean;
}

export interface Session {
  focus(): void;
  type(text: string): void;
  arrow(arrow: Arrow, modifiers: Modifiers): void;
  paste(text: string): void;
  search(text: string, direction: 'next' | 'previous', exact: boolean): void;
  endSearch(): void;
  setVisible(visible: boolean): void;
  setScreenReader(on: boolean): void;
  setFontSize(size: number): void;
  retry(): void;
  dispose(): void;
}

const resizeDelayMs = 80;

/** Builds an xterm in `container` and connects it to a terminal. */
export function openSession(options: SessionOptions): Session {
  const { container } = options;
  let colours = readColours();
  const terminal = new Terminal({
    documentOverride: documentWithAdoptedStyles(),
    allowProposedApi: true,
    cols: options.size.columns,
    rows: options.size.rows,
    fontFamily: "'JetBrains Mono Variable', ui-monospace, monospace",
    fontSize: options.fontSize,
    lineHeight: 1.2,
    letterSpacing: letterSpacing(options.fontSize, devicePixelRatio),
    cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    cursorInactiveStyle: 'outline',
    scrollback: 10_000,
    minimumContrastRatio: 4.5,
    rescaleOverlappingGlyphs: true,
    screenReaderMode: options.screenReader,
    macOptionIsMeta: true,
    theme: colours.theme,
  });
  const fit = new FitAddon();
  const search = new SearchAddon({ highlightLimit: 2000 });
  terminal.loadAddon(fit);
  terminal.loadAddon(search);
  terminal.loadAddon(new UnicodeGraphemesAddon());
  terminal.loadAddon(new WebLinksAddon((event, uri) => openLink(event, uri)));
  terminal.options.linkHandler = { activate: (event, uri) => openLink(event, uri) };
  withAdoptedStyles(() => terminal.open(container));
  terminal.textarea?.setAttribute('aria-label', options.label);
  const webgl = watchWebgl(terminal);
  const isReply = watchReplies(terminal);

  let drives = false;
  let wanted: TerminalSize | null = null;
  const show = ({ columns, rows }: TerminalSize) => {
    if (columns !== terminal.cols || rows !== terminal.rows) terminal.resize(columns, rows);
  };
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const connection = openConnection({
    ...options,
    url: `${scheme}://${location.host}/api/v1/terminals/${options.terminalId}/socket`,
    screen: {
      write: (bytes, drawn) => terminal.write(bytes, drawn),
      reset: () => terminal.reset(),
    },
    onSize: show,
    onRole: (now) => {
      drives = now;
      if (now && wanted) show(wanted);
    },
  });
  const sendTyped = (text: string) => {
    if (!connection.key(text)) options.onNotSent();
  };

  let visible = true;
  /** Tells what fits here. The server decides by who drives; who does sees it at once. */
  const fitNow = () => {
    const proposed = visible && container.clientWidth > 0 ? fit.proposeDimensions() : undefined;
    if (!proposed || !Number.isFinite(proposed.cols) || !Number.isFinite(proposed.rows)) return;
    const size = { columns: Math.max(2, proposed.cols), rows: Math.max(1, proposed.rows) };
    if (wanted?.columns === size.columns && wanted.rows === size.rows) return;
    wanted = size;
    if (drives) show(size);
    connection.resize(size);
  };
  let resizeTimer: ReturnType<typeof setTimeout> | undefined;
  const observer = new ResizeObserver(() => {
    clearTimeout(resizeTimer);
    resizeTimer = setTimeout(fitNow, resizeDelayMs);
  });
  observer.observe(container);
  fitNow();

  const stops: (() => void)[] = [];
  const on = <Name extends keyof WindowEventMap>(
    target: Window | HTMLElement,
    name: Name,
    listener: (event: WindowEventMap[Name]) => void,
    capture = false,
  ) => {
    target.addEventListener(name, listener as EventListener, capture);
    stops.push(() => target.removeEventListener(name, listener as EventListener, capture));
  };
  on(window, 'offline', () => connection.offline());
  on(window, 'online', () => connection.retry());
  on(
    container,
    'paste',
    (event) => {
      event.preventDefault();
      event.stopPropagation();
      options.onPaste(event.clipboardData?.getData('text/plain') ?? '');
    },
    true,
  );
  on(container, 'pointerup', () => {
    const text = terminal.getSelection();
    if (text !== '' && options.copyOnSelect()) void copyText(text);
  });
  stops.push(
    onThemeChange(() => {
      colours = readColours();
      terminal.options.theme = colours.theme;
    }),
  );

  terminal.attachCustomKeyEventHandler((event) => {
    if (!event.ctrlKey || !event.shiftKey || event.altKey || event.metaKey) return true;
    const act = {
      KeyF: options.onSearch,
      ArrowUp: options.onLeave,
      KeyC: () => void copyText(terminal.getSelection()),
      KeyV: null,
    }[event.code];
    if (act === undefined) return true;
    // Pasting is the browser's: it fires the paste event that is listened to above.
    if (act !== null) {
      event.preventDefault();
      if (event.type === 'keydown') act();
    }
    return false;
  });
  const disposables: IDisposable[] = [
    terminal.onData((text) => {
      if (isReply()) connection.reply(text);
      else sendTyped(options.onTyped(text));
    }),
    // Mouse reports of the oldest encoding; those beyond ASCII are not text and are not sent.
    terminal.onBinary((text) => {
      if ([...text].every((unit) => unit.charCodeAt(0) < 0x80)) sendTyped(text);
    }),
    search.onDidChangeResults(({ resultIndex, resultCount }) => options.onMatches(resultIndex, resultCount)),
  ];

  return {
    focus: () => terminal.focus(),
    type: sendTyped,
    arrow: (arrow, modifiers) => sendTyped(arrowSequence(arrow, terminal.modes.applicationCursorKeysMode, modifiers)),
    paste(text) {
      const lines = text.replace(/\r\n?/g, '\n');
      if (lines === '') return;
      // The server strips ESC from pastes, so what is pasted cannot end the bracket itself.
      const bracketed = terminal.modes.bracketedPasteMode;
      const sent =
        (!bracketed || connection.key('\u001b[200~')) &&
        connection.paste(lines) &&
        (!bracketed || connection.key('\u001b[201~'));
      if (!sent) options.onNotSent();
      terminal.scrollToBottom();
    },
    search(text, direction, exact) {
      const how: ISearchOptions = {
        caseSensitive: exact,
        incremental: false,
        decorations: {
          matchBackground: colours.match,
          activeMatchBackground: colours.activeMatch,
          matchOverviewRuler: colours.match,
          activeMatchColorOverviewRuler: colours.activeMatch,
        },
      };
      if (text === '') search.clearDecorations();
      else if (direction === 'next') search.findNext(text, how);
      else search.findPrevious(text, how);
    },
    endSearch: () => search.clearDecorations(),
    setVisible(next) {
      visible = next;
      webgl.use(next);
      if (next) fitNow();
    },
    setScreenReader(on) {
      terminal.options.screenReaderMode = on;
    },
    setFontSize(size) {
      terminal.options.fontSize = size;
      terminal.options.letterSpacing = letterSpacing(size, devicePixelRatio);
      fitNow();
    },
    retry: () => connection.retry(),
    dispose() {
      clearTimeout(resizeTimer);
      observer.disconnect();
      for (const stop of stops) stop();
      for (const disposable of disposables) disposable.dispose();
      connection.close();
      webgl.use(false);
      terminal.dispose();
    },
  };
}

/** A program in the sandbox chose this address: it opens elsewhere, and cannot reach back. */
function openLink(event: MouseEvent, uri: string): void {
  if (!/^https?:\/\//i.test(uri)) return;
  if (event.button === 0) window.open(uri, '_blank', 'noopener,noreferrer');
}
