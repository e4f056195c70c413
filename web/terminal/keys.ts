export interface Modifiers {
  readonly ctrl: boolean;
  readonly alt: boolean;
}

export const bareKeys = { escape: '\u001b', tab: '\t', interrupt: '\u0003' } as const;
const arrowLetters = { up: 'A', down: 'B', right: 'C', left: 'D' } as const;
export type Arrow = keyof typeof arrowLetters;

/** What an arrow key sends (xterm's control sequences, “PC-Style Function Keys”). */
export function arrowSequence(arrow: Arrow, application: boolean, { ctrl, alt }: Modifiers): string {
  const letter = arrowLetters[arrow];
  const modifier = 1 + (alt ? 2 : 0) + (ctrl ? 4 : 0);
  if (modifier > 1) return `\u001b[1;${modifier}${letter}`;
  return `\u001b${application ? 'O' : '['}${letter}`;
}

/** Applies modifiers held on the key bar to one typed character; longer text is left as it is. */
export function withModifiers(text: string, { ctrl, alt }: Modifiers): string {
  if ([...text].length !== 1) return text;
  let changed = text;
  if (ctrl) {
    const code = text.toUpperCase().charCodeAt(0);
    if (code >= 0x40 && code <= 0x5f) changed = String.fromCharCode(code & 0x1f);
    else if (text === ' ') changed = '\0';
    else if (text === '?') changed = '\u007f';
    else if (text === '/') changed = '\u001f';
  }
  return alt ? `\u001b${changed}` : changed;
}
