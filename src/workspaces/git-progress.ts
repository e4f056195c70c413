import type { WorkspaceEvent } from '#contract/api.ts';

export type CloneProgress = Extract<WorkspaceEvent, { type: 'clone' }>;

const maximumLine = 240;

/** One line that git wrote to stderr, as progress. The text may come from the remote: only printable characters stay. */
export function parseGitProgress(text: string): CloneProgress | null {
  const line = text
    .replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])/g, '')
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '')
    .trim()
    .slice(0, maximumLine);
  if (line === '') return null;
  const match = /^(?:remote: )?([A-Z][A-Za-z ]{2,40}):\s+(\d{1,3})%/.exec(line);
  if (!match) return { type: 'clone', phase: 'Message', percent: null, line };
  return { type: 'clone', phase: match[1] as string, percent: Math.min(100, Number(match[2])), line };
}

/** Cuts what arrives into lines at CR or LF, wherever it was split; a line is at most 4 KiB. */
export class ProgressLines {
  #rest = '';
  readonly #decoder = new TextDecoder();

  push(bytes: Uint8Array): string[] {
    const parts = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split(/[\r\n]+/);
    this.#rest = (parts.pop() ?? '').slice(0, 4096);
    return parts.filter((part) => part !== '');
  }

  /** What came after the last line's end. */
  end(): string[] {
    const rest = this.#rest + this.#decoder.decode();
    this.#rest = '';
    return rest === '' ? [] : [rest];
  }
}
