import { useState } from 'react';

/** A value kept in this browser. `parse` answers undefined for what it does not know. */
export function usePreference<Value>(
  name: string,
  initial: Value,
  parse: (text: string) => Value | undefined,
): [Value, (value: Value) => void] {
  const key = `casemate.${name}`;
  const [value, setValue] = useState<Value>(() => {
    try {
      const text = localStorage.getItem(key);
      return (text === null ? undefined : parse(text)) ?? initial;
    } catch {
      return initial;
    }
  });
  const keep = (next: Value) => {
    setValue(next);
    try {
      localStorage.setItem(key, String(next));
    } catch {
      return;
    }
  };
  return [value, keep];
}

export const parseBoolean = (text: string): boolean | undefined =>
  text === 'true' ? true : text === 'false' ? false : undefined;
export const parseNumber = (text: string): number | undefined => {
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
};
