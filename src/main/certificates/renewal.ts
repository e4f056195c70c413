import { X509Certificate } from 'node:crypto';

const firstPauseMs = 5 * 60_000;
const longestPauseMs = 12 * 3_600_000;

/**
 * When a certificate is renewed: with a third of its life left, up to a thirtieth of it earlier, so
 * that not every server asks at once. `random` is in [0, 1).
 */
export function renewalTime(certificate: string, random: number): number {
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  const life = validToDate.getTime() - validFromDate.getTime();
  return validToDate.getTime() - life / 3 - (random * life) / 30;
}

/** How long to wait after so many failures in a row; authorities limit failures to a few an hour. */
export const renewalPause = (failures: number, random: number): number =>
  Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1)) * (0.8 + 0.4 * random);

/** Whether a certificate is for these names, and lasts beyond `now`. */
export function serves(certificate: string, names: readonly string[], now: number): boolean {
  const leaf = new X509Certificate(certificate);
  const has = new Set((leaf.subjectAltName ?? '').split(', ').map((name) => name.replace(/^DNS:/, '').toLowerCase()));
  return leaf.validToDate.getTime() > now && names.every((name) => has.has(name));
}
