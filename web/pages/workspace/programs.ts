import { Bot, Braces, SquareTerminal } from 'lucide-react';

/** What a terminal can be started with by one press. */
export const programs = [
  { program: 'claude', name: 'Claude Code', words: 'Anthropic’s agent', secret: 'anthropic', Icon: Bot },
  { program: 'codex', name: 'Codex', words: 'OpenAI’s agent', secret: 'openai', Icon: Braces },
  { program: 'shell', name: 'Shell', words: 'git, Node and Python at hand', secret: null, Icon: SquareTerminal },
] as const;

export type Program = (typeof programs)[number]['program'];
