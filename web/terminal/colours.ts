import type { ITheme } from '@xterm/xterm';

const names = {
  background: 'background',
  foreground: 'foreground',
  cursor: 'cursor',
  cursorAccent: 'background',
  selectionBackground: 'selection',
  black: 'black',
  red: 'red',
  green: 'green',
  yellow: 'yellow',
  blue: 'blue',
  magenta: 'magenta',
  cyan: 'cyan',
  white: 'white',
  brightBlack: 'bright-black',
  brightRed: 'bright-red',
  brightGreen: 'bright-green',
  brightYellow: 'bright-yellow',
  brightBlue: 'bright-blue',
  brightMagenta: 'bright-magenta',
  brightCyan: 'bright-cyan',
  brightWhite: 'bright-white',
} as const satisfies Partial<Record<keyof ITheme, string>>;

export interface TerminalColours {
  readonly theme: ITheme;
  readonly match: string;
  readonly activeMatch: string;
}

/** The tokens as xterm.js wants them: resolved for the theme that is shown now. */
export function readColours(): TerminalColours {
  const probe = document.createElement('span');
  probe.hidden = true;
  document.body.append(probe);
  const resolve = (name: string): string => {
    probe.style.color = `var(--terminal-${name})`;
    return toHex(getComputedStyle(probe).color);
  };
  const theme: ITheme = Object.fromEntries(Object.entries(names).map(([key, token]) => [key, resolve(token)]));
  const colours = { theme, match: resolve('match'), activeMatch: resolve('match-active') };
  probe.remove();
  return colours;
}

/** `rgb(r, g, b)` as `#rrggbb`, which every part of xterm.js reads. */
function toHex(colour: string): string {
  const channels = colour.match(/\d+/g)?.slice(0, 3) ?? [];
  return `#${channels.map((channel) => Number(channel).toString(16).padStart(2, '0')).join('')}`;
}
