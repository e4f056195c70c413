const units: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });

/** “2 hr. ago”, “in 3 days”; “just now” within 45 seconds. `time` is ISO 8601, `now` milliseconds. */
export function relativeTime(time: string, now: number = Date.now()): string {
  const seconds = Math.round((Date.parse(time) - now) / 1000);
  if (Math.abs(seconds) < 45) return 'just now';
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(Math.sign(seconds), 'minute');
}

const clockFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** Time of day. */
export const clockTime = (time: string): string => clockFormat.format(new Date(time));
/** Day and time. */
export const fullTime = (time: string): string => fullFormat.format(new Date(time));

/** Bytes for a person: 1.4 kB. */
export function byteSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const names = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let name = 'B';
  for (const larger of names) {
    if (value < 1000) break;
    value /= 1000;
    name = larger;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${name}`;
}
