export interface Strength {
  /** 0 too short or common, 1 weak, 2 fair, 3 good. */
  readonly level: 0 | 1 | 2 | 3;
  readonly hint: string;
}

const overused =
  /password|passwort|qwert|letmein|welcome|admin|iloveyou|monkey|dragon|casemate|abc123|12345|11111|00000/;

/**
 * A hint while typing, from length and variety; no dictionary is loaded for it. The server decides.
 * `own` are words of the person, worth nothing in the password.
 */
export function strengthOf(password: string, own: readonly string[]): Strength {
  const length = [...password].length;
  if (length < 8)
    return { level: 0, hint: `${8 - length} more ${8 - length === 1 ? 'character' : 'characters'} at least` };
  const lower = password.toLowerCase();
  const words = own.flatMap((text) => text.toLowerCase().split(/[^\p{L}\p{N}]+/u)).filter((word) => word.length > 3);
  if (overused.test(lower)) return { level: 0, hint: 'Holds one of the most used passwords' };
  if (words.some((word) => lower.includes(word))) return { level: 1, hint: 'Holds your name or address' };
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\d/, /[^\p{L}\d]/u].filter((kind) => kind.test(password)).length;
  const distinct = new Set(lower).size;
  const bits = Math.min(length, distinct * 1.6) * (2.2 + kinds * 0.65);
  if (bits < 32) return { level: 1, hint: 'Easy to guess: make it longer' };
  if (bits < 46) return { level: 2, hint: 'Fair: a few more words make it strong' };
  return { level: 3, hint: 'Strong' };
}
