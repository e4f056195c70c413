import type { createTerminalSchema } from '#contract/api.ts';
import type { z } from 'zod';

export interface Program {
  readonly title: string;
  /** For the trail: `shell`, `claude`, `codex` or `command`. */
  readonly name: string;
  readonly arguments: readonly string[];
}

const agents = {
  claude: { title: 'Claude Code', package: '@anthropic-ai/claude-code' },
  codex: { title: 'Codex', package: '@openai/codex' },
} as const;

/**
 * Installs the CLI into the home directory when it is not there, in sight of whoever opened the
 * terminal and through the broker like everything else; then becomes it. When that fails a login
 * shell stays, with the reason above it. `$1` command, `$2` package, `$3` title.
 */
const agentScript = `
export PATH="$HOME/.local/bin:$PATH"
if ! command -v "$1" >/dev/null 2>&1; then
  printf '%s is not installed in this workspace yet. Installing it with npm, once:\\n\\n' "$3"
  if ! npm install --global --no-fund --no-audit --prefix "$HOME/.local" "$2"; then
    printf '\\n%s could not be installed. If the package registry was refused, allow it for this workspace and try again.\\n' "$3"
    exec bash -l
  fi
  hash -r
  printf '\\n'
fi
exec "$1"
`;

/** What a terminal runs. A command line is run by the login shell, as if it had been typed. */
export function programOf({
  program,
  command,
}: Pick<z.output<typeof createTerminalSchema>, 'program' | 'command'>): Program {
  if (command !== undefined) {
    const title = command
      .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
      .trim()
      .slice(0, 60);
    return { title: title || 'Command', name: 'command', arguments: ['/bin/bash', '-lc', command] };
  }
  if (program === 'shell') return { title: 'Shell', name: 'shell', arguments: ['/bin/bash', '-l'] };
  const agent = agents[program];
  return {
    title: agent.title,
    name: program,
    arguments: ['/bin/bash', '-lc', agentScript, 'bash', program, agent.package, agent.title],
  };
}
