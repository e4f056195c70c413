import { parseBoolean, parseNumber, usePreference } from '../ui/preference.ts';

export interface TerminalPreferences {
  readonly fontSize: number;
  readonly screenReader: boolean;
  readonly copyOnSelect: boolean;
  readonly setFontSize: (size: number) => void;
  readonly setScreenReader: (on: boolean) => void;
  readonly setCopyOnSelect: (on: boolean) => void;
}

/** How terminals look and behave in this browser. */
export function useTerminalPreferences(): TerminalPreferences {
  const [fontSize, setFontSize] = usePreference('terminal.font-size', 13, parseNumber);
  const [screenReader, setScreenReader] = usePreference('terminal.screen-reader', false, parseBoolean);
  const [copyOnSelect, setCopyOnSelect] = usePreference('terminal.copy-on-select', true, parseBoolean);
  return {
    fontSize: Math.min(24, Math.max(9, fontSize)),
    screenReader,
    copyOnSelect,
    setFontSize,
    setScreenReader,
    setCopyOnSelect,
  };
}
