import { CasemateError } from '#contract/errors.ts';

/** A git URL that may be cloned: `http` or `https`, a plain host, a plain path, nothing else. */
export interface GitUrl {
  /** Normalised: lower-case scheme and host, no default port, no slash at the end. */
  readonly url: string;
  readonly scheme: 'http' | 'https';
  /** Lower case; a DNS name, an IPv4 address, or `[IPv6]`. */
  readonly host: string;
  readonly port: number;
  /** Last component of the path without `.git`: what a person would call the repository. */
  readonly name: string;
}

export const maximumGitUrlLength = 2048;
const hostLabel = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;
/** Reserved characters of RFC 3986 that have a meaning to shells, git or proxies are left out. */
const pathCharacters = /^[A-Za-z0-9/._~+,=:@!-]*$/;

function refuse(message: string): never {
  throw new CasemateError('invalid_git_url', message);
}

/** Reads what a person gave as a git URL. Throws `invalid_git_url`, whose message says what to do instead. */
export function parseGitUrl(text: string): GitUrl {
  if (text.length === 0) refuse('Give the https address of a git repository.');
  if (text.length > maximumGitUrlLength) {
    refuse(`The git URL is too long; at most ${maximumGitUrlLength} characters can be used.`);
  }
  if (/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/.test(text)) {
    refuse('The git URL holds control characters. Copy it again, without line breaks.');
  }
  if (/\s/.test(text)) refuse('The git URL holds spaces. Copy it again, without them.');
  if (!/^[\u0021-\u007e]*$/.test(text)) {
    refuse('The git URL holds characters outside ASCII. Write an international host name in its xn-- form.');
  }
  if (text.startsWith('-')) refuse('A git URL cannot begin with "-": git would read it as an option.');
  refuseOtherTransports(text);
  const match = /^(https?):\/\/([^/]*)(\/.*)?$/i.exec(text);
  if (!match) refuse('A git URL begins with https:// or http://, then a host and a path.');
  const scheme = (match[1] as string).toLowerCase() as 'http' | 'https';
  const authority = match[2] as string;
  if (authority.includes('@')) {
    refuse(
      'The git URL holds a user name or password. Remove it, and set a git secret instead: the key stays outside.',
    );
  }
  if (/[?#\\]/.test(text)) refuse('A git URL cannot hold "?", "#" or "\\".');
  const { host, port } = parseAuthority(authority, scheme);
  const path = parsePath(match[3] ?? '');
  const name = decodeURIComponentSafely(path.slice(path.lastIndexOf('/') + 1)).replace(/\.git$/i, '');
  const origin = `${scheme}://${host}${port === defaultPort(scheme) ? '' : `:${port}`}`;
  return { url: `${origin}${path}`, scheme, host, port, name };
}

function defaultPort(scheme: 'http' | 'https'): number {
  return scheme === 'https' ? 443 : 80;
}

/** Names the transports that people try, so that each gets an answer of its own. */
function refuseOtherTransports(text: string): void {
  if (/^[a-z0-9+.-]*::/i.test(text)) {
    refuse('Remote helpers ("ext::" and the like) run programs and are never used. Use the https address.');
  }
  if (/^file:/i.test(text) || /^[./~]/.test(text)) {
    refuse('Files of the server cannot be cloned. Use the https address of the repository.');
  }
  if (/^(?:ssh|git\+ssh|ssh\+git|sftp|scp|rsync):/i.test(text) || /^[^/:@]+@[^/:]+:(?!\/\/)/.test(text)) {
    refuse('SSH addresses cannot be used: no SSH key enters a sandbox. Use the https address, with a git secret.');
  }
  if (/^git:/i.test(text)) refuse('The git:// protocol is neither encrypted nor authenticated. Use the https address.');
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) && !/^https?:\/\//i.test(text)) {
    refuse('Only https:// and http:// addresses can be cloned.');
  }
}

function parseAuthority(authority: string, scheme: 'http' | 'https'): { host: string; port: number } {
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/.exec(authority);
  if (!match) refuse('The host of the git URL is not valid.');
  const host = (match[1] as string).toLowerCase();
  const portText = match[2];
  let port = defaultPort(scheme);
  if (portText !== undefined) {
    if (!/^[1-9]\d{0,4}$/.test(portText) || Number(portText) > 65_535) {
      refuse('The port of the git URL is not a number from 1 to 65535.');
    }
    port = Number(portText);
  }
  refuseHost(host);
  return { host, port };
}

function refuseHost(host: string): void {
  if (host === '') refuse('The git URL has no host.');
  if (host.includes('%')) refuse('The host of the git URL cannot hold "%".');
  if (host.startsWith('[')) {
    if (!/^\[[0-9a-f:]*:[0-9a-f:.]*\]$/.test(host) || host.length > 47) refuse('The host of the git URL is not valid.');
    if (/^\[(?:0*:)*0*1\]$/.test(host)) refuseSandboxItself();
    return;
  }
  const labels = host.split('.');
  if (host.length > 253 || !labels.every((label) => hostLabel.test(label)))
    refuse('The host of the git URL is not valid.');
  const last = labels.at(-1) as string;
  // WHATWG URL, "ends in a number": other programs would read 0x7f.1 or 2130706433 as an address.
  if (/^(?:\d+|0x[0-9a-f]*)$/.test(last)) {
    const plain =
      labels.length === 4 && labels.every((label) => /^(?:0|[1-9]\d{0,2})$/.test(label) && Number(label) < 256);
    if (!plain) refuse('Write the IP address of the git URL as four plain decimal numbers.');
  }
  if (last === 'localhost' || host === '127.0.0.1') refuseSandboxItself();
}

/** NO_PROXY inside a sandbox names these, so that git would dial the sandbox's own loopback. */
function refuseSandboxItself(): never {
  refuse(
    'From inside a sandbox that address is the sandbox itself. Use the name by which other machines know the host.',
  );
}

function parsePath(text: string): string {
  const path = text.replace(/\/$/, '');
  if (path === '') refuse('The git URL has no path: it names a host but no repository.');
  const plain = path.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => {
    const byte = Number.parseInt(digits, 16);
    if (byte !== 0x20 && byte < 0x80) refuse('The git URL hides characters behind "%". Write them plainly.');
    return 'x';
  });
  if (!pathCharacters.test(plain)) refuse('The path of the git URL holds characters that cannot be used.');
  for (const segment of path.slice(1).split('/')) {
    if (segment === '') refuse('The path of the git URL has an empty part ("//").');
    if (segment === '.' || segment === '..') refuse('The path of the git URL cannot hold "." or "..".');
    if (segment.startsWith('-')) refuse('No part of the path may begin with "-": git would read it as an option.');
  }
  return path;
}

/** `%`-escapes that are not UTF-8 stay as they are. */
function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

/**
 * Checks the name of a branch by the rules of `git check-ref-format --branch`, and refuses what git
 * might read as an option. Throws `invalid_git_url`. Returns the name.
 */
export function parseGitBranch(text: string): string {
  if (text.startsWith('-')) refuse('A branch cannot begin with "-": git would read it as an option.');
  const valid =
    text.length > 0 &&
    text.length <= 255 &&
    text.isWellFormed() &&
    !/[\u0000-\u0020\u007f-\u009f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)|[./]$/.test(text) &&
    !/^[./]/.test(text) &&
    text !== '@';
  if (!valid) refuse('The branch is not a name that git allows.');
  return text;
}
