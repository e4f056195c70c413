import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import * as common from '@zxcvbn-ts/language-common';
import * as english from '@zxcvbn-ts/language-en';
import { CasemateError } from '#contract/errors.ts';
import type { Person } from '#identity/methods/method.ts';

/** NIST SP 800-63B-4, 3.1.1.2: a password that is the only factor has 15 characters at least. */
export const minimumPasswordLength = 15;
/** Of 0 to 4: more than 10^10 guesses, since nothing else stands behind it yet. */
const minimumScore = 4;
/** The estimate takes seconds for long input; a longer password is no weaker than its beginning. */
const estimatedCharacters = 64;

let estimator: ZxcvbnFactory | undefined;

function estimate(password: string, inputs: readonly string[]) {
  // Built at first use: its dictionaries take a quarter of a second to index.
  estimator ??= new ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
    translations: english.translations,
  });
  return estimator.check(password.slice(0, estimatedCharacters), [...inputs]);
}

/** Throws CasemateError `weak_password`, with advice that repeats nothing of the password. */
export function assertStrongPassword(password: string, person: Person): void {
  if ([...password].length < minimumPasswordLength) {
    throw new CasemateError('weak_password', `Use ${minimumPasswordLength} characters or more; a few words are best`);
  }
  const address = person.email.toLowerCase();
  const words = [...address.split(/[@.+_-]/), ...person.name.split(/\s+/)];
  const joined = [address.split('@')[0] ?? '', person.name].map((text) => text.replace(/[^\p{L}\p{N}]/gu, ''));
  const inputs = ['casemate', person.name, address, ...words, ...joined];
  const { score, feedback } = estimate(
    password,
    inputs.filter((input) => input.length > 2),
  );
  if (score >= minimumScore) return;
  const advice = [feedback.warning, ...feedback.suggestions].filter((sentence) => sentence).join(' ');
  throw new CasemateError('weak_password', advice || 'The password is too easy to guess. Use a few unrelated words.');
}
