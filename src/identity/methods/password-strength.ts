import { CasemateError } from '#contract/errors.ts';
import { estimateStrength } from '#identity/methods/estimate-strength.ts';
import type { Person } from '#identity/methods/method.ts';

/** NIST SP 800-63B-4, 3.1.1.2: a password that is the only factor has 15 characters at least. */
export const minimumPasswordLength = 15;
/** Of 0 to 4: more than 10^10 guesses, since nothing else stands behind it yet. */
const minimumScore = 4;
/** The estimate takes seconds for long input; a longer password is no weaker than its beginning. */
const estimatedCharacters = 64;

/** Throws CasemateError `weak_password`, with advice that repeats nothing of the password. */
export async function assertStrongPassword(password: string, person: Person): Promise<void> {
  if ([...password].length < minimumPasswordLength) {
    throw new CasemateError('weak_password', `Use ${minimumPasswordLength} characters or more; a few words are best`);
  }
  const address = person.email.toLowerCase();
  const words = [...address.split(/[@.+_-]/), ...person.name.split(/\s+/)];
  const joined = [address.split('@')[0] ?? '', person.name].map((text) => text.replace(/[^\p{L}\p{N}]/gu, ''));
  const inputs = ['casemate', person.name, address, ...words, ...joined];
  const { score, advice } = await estimateStrength(
    password.slice(0, estimatedCharacters),
    inputs.filter((input) => input.length > 2),
  );
  if (score >= minimumScore) return;
  throw new CasemateError('weak_password', advice || 'The password is too easy to guess. Use a few unrelated words.');
}
