/** A name for a workspace out of a git URL: its last part without `.git`; empty when there is none. */
export function nameFromGitUrl(url: string): string {
  const path = url
    .trim()
    .replace(/[?#].*$/, '')
    .replace(/\/+$/, '');
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/]+\/./i.test(path)) return '';
  const last = path.slice(path.lastIndexOf('/') + 1).replace(/\.git$/i, '');
  return decode(last).slice(0, 50).trim();
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `host/owner/repository` for a list; the URL itself when it cannot be read. */
export function shortSource(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return `${host}${pathname.replace(/\.git$/i, '')}`;
  } catch {
    return url;
  }
}

/** What is wrong with a git URL, before the server is asked; undefined when nothing is seen. */
export function gitUrlProblem(text: string): string | undefined {
  const url = text.trim();
  if (url === '') return 'Give the address of the repository.';
  if (/^(git@|ssh:)/i.test(url)) return 'Use the https:// address: keys stay outside, so there is no SSH.';
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return 'This is not an address. It begins with https://.';
  }
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:')
    return 'The address begins with https:// or http://.';
  if (parsed.username !== '' || parsed.password !== '') {
    return 'Leave the password out of the address; set it as a git secret in Settings.';
  }
  return undefined;
}
