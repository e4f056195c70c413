import { useSyncExternalStore } from 'react';

export type ThemeChoice = 'system' | 'light' | 'dark';
export type ContrastChoice = 'system' | 'more';

const themeKey = 'casemate.theme';
const contrastKey = 'casemate.contrast';
const listeners = new Set<() => void>();
const systemDark = matchMedia('(prefers-color-scheme: dark)');

/** Storage is refused in some private windows; a choice then lasts as long as the page. */
const memory = new Map<string, string>();
function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return memory.get(key) ?? null;
  }
}
function store(key: string, value: string): void {
  memory.set(key, value);
  try {
    localStorage.setItem(key, value);
  } catch {
    return;
  }
}

export function themeChoice(): ThemeChoice {
  const choice = stored(themeKey);
  return choice === 'light' || choice === 'dark' ? choice : 'system';
}
export function contrastChoice(): ContrastChoice {
  return stored(contrastKey) === 'more' ? 'more' : 'system';
}

/** Writes the choices on the document; called before the first render. */
export function applyTheme(): void {
  const root = document.documentElement;
  const theme = themeChoice();
  if (theme === 'system') delete root.dataset['theme'];
  else root.dataset['theme'] = theme;
  if (contrastChoice() === 'more') root.dataset['contrast'] = 'more';
  else delete root.dataset['contrast'];
  for (const listener of listeners) listener();
}

export function chooseTheme(choice: ThemeChoice): void {
  store(themeKey, choice);
  applyTheme();
}
export function chooseContrast(choice: ContrastChoice): void {
  store(contrastKey, choice);
  applyTheme();
}

/** Tells of every change of what colours mean: a choice here or the system's. */
export function onThemeChange(listener: () => void): () => void {
  listeners.add(listener);
  systemDark.addEventListener('change', listener);
  return () => {
    listeners.delete(listener);
    systemDark.removeEventListener('change', listener);
  };
}

export function useThemeChoice(): ThemeChoice {
  return useSyncExternalStore(onThemeChange, themeChoice);
}
export function useContrastChoice(): ContrastChoice {
  return useSyncExternalStore(onThemeChange, contrastChoice);
}
