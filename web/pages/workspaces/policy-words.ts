import type { DestinationSet, Policy } from '#contract/policy.ts';

/** What people call the sets; several may share a name. */
const setWords: Readonly<Record<DestinationSet, string>> = {
  git: 'git hosts',
  npm: 'package registries',
  pypi: 'package registries',
  debian: 'package registries',
  models: 'model APIs',
};

function list(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** What a policy lets through, as a sentence for people. */
export function policySentence(policy: Policy): string {
  const sets = [...new Set(policy.sets.map((set) => setWords[set]))];
  const names = policy.allow.map(({ host, ports }) => (ports.includes(443) ? host : `${host}:${ports.join(',')}`));
  const all = [...sets, ...new Set(names)];
  if (all.length === 0) return 'Nothing may leave.';
  const words = list(all);
  return `${words.charAt(0).toUpperCase()}${words.slice(1)} may be reached. All else is refused.`;
}
