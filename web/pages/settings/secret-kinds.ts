import type { CredentialKind } from '#contract/broker.ts';

export const kindNames: Record<CredentialKind, string> = {
  anthropic: 'Anthropic API',
  openai: 'OpenAI API',
  git: 'git over HTTPS',
};
