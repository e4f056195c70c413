export interface PasteFacts {
  readonly lines: number;
  readonly characters: number;
  /** Whether it holds control characters, which the server will strip. */
  readonly controls: boolean;
}

/** What there is to know about pasted text before it is sent. */
export function pasteFacts(text: string): PasteFacts {
  const trimmed = text.replace(/\r\n?/g, '\n');
  return {
    lines: trimmed.split('\n').length,
    characters: [...trimmed].length,
    controls: /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(trimmed),
  };
}

/** Whether to ask first: many lines may run as many commands, and control characters hide intentions. */
export function needsGuard(text: string): boolean {
  const { lines, characters, controls } = pasteFacts(text.replace(/[\r\n]+$/, ''));
  return lines > 1 || controls || characters > 5000 || /[\r\n]$/.test(text);
}
