import { isIP } from 'node:net';
import { SettingError } from '#config/setting.ts';

/** A decimal integer within bounds. */
export const integer =
  (least: number, most: number) =>
  (text: string): number => {
    const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw new SettingError(`must be a whole number from ${least} to ${most}`);
    return value;
  };

export function boolean(text: string): boolean {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new SettingError('must be true or false');
}

export const oneOf =
  <const Word extends string>(words: readonly Word[]) =>
  (text: string): Word => {
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) throw new SettingError(`must be one of ${words.join(', ')}`);
    return word;
  };

/** An absolute path without `..`. */
export function path(text: string): string {
  if (!text.startsWith('/') || text.split('/').includes('..') || text.includes('\0')) {
    throw new SettingError('must be an absolute path without ..');
  }
  return text.length > 1 ? text.replace(/\/+$/, '') : text;
}

/** Accepts the empty text as "not set". */
export const optional =
  <Value>(parse: (text: string) => Value) =>
  (text: string): Value | null =>
    text === '' ? null : parse(text);

/** Comma-separated; empty members are ignored. */
export const list =
  <Value>(parse: (text: string) => Value) =>
  (text: string): readonly Value[] =>
    Object.freeze(
      text
        .split(',')
        .map((member) => member.trim())
        .filter((member) => member !== '')
        .map(parse),
    );

/** An address to listen on, or `localhost`. */
export function listenAddress(text: string): string {
  if (text === 'localhost') return '127.0.0.1';
  if (isIP(text) === 0) throw new SettingError('must be an IP address, such as 127.0.0.1 or ::');
  return text;
}

/** `http(s)://host[:port]`, nothing after it; `*` is not an origin. */
export function origin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.origin !== text.replace(/\/$/, '').toLowerCase()) {
    throw new SettingError('must be an origin such as https://code.example.org, without a path; * is not one');
  }
  return url.origin;
}

/** An address or a network in CIDR form. */
export function network(text: string): string {
  const [address, bits, more] = text.split('/');
  const version = isIP(address ?? '');
  const most = version === 6 ? 128 : 32;
  const fits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= most);
  if (version === 0 || !fits || more !== undefined) {
    throw new SettingError('must be an address or a network such as 127.0.0.1 or 10.0.0.0/8');
  }
  return text;
}

/** `host:port`, `[IPv6]:port`. */
export function hostAndPort(text: string): { readonly host: string; readonly port: number } {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9_.-]{1,253}):(\d{1,5})$/.exec(text.toLowerCase());
  const port = Number(match?.[2]);
  if (!match?.[1] || !(port >= 1 && port <= 65_535)) throw new SettingError('must be host:port');
  return Object.freeze({ host: match[1], port });
}

export function email(text: string): string {
  if (!/^[^\s@]{1,64}@[^\s@]{1,253}$/.test(text)) throw new SettingError('must be an e-mail address');
  return text;
}

export function postgresUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new SettingError('must be a postgresql:// URL');
  }
  return text;
}

const samples =
  /^(change|replace|insert|your|my|example|sample|secret|test|dev|default|password)|changeme|please|(.)\2{9}/i;

/** At least 32 characters, and not one of the samples that are copied from documentation. */
export function strongSecret(text: string): string {
  if (text.length < 32) throw new SettingError('must have at least 32 characters; `openssl rand -base64 48` makes one');
  if (samples.test(text) || new Set(text).size < 10) {
    throw new SettingError('looks like a sample from documentation; `openssl rand -base64 48` makes one');
  }
  return text;
}

/** A DNS name of at least two labels, in lower-case ASCII (IDNA A-labels), and no address. */
export function domainName(text: string): string {
  const name = text.toLowerCase().replace(/\.$/, '');
  const fits = /^(?=.{4,200}$)(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)+(?!-)[a-z0-9-]{1,63}(?<!-)$/.test(name);
  if (!fits || isIP(name) !== 0 || /\.\d+$/.test(name)) {
    throw new SettingError('must be a name such as code.example.org (in ASCII: xn--…), without scheme, port or *');
  }
  return name;
}

/** An absolute https:// URL without credentials. */
export function httpsUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') {
    throw new SettingError('must be an https:// URL without credentials');
  }
  return url.href;
}
