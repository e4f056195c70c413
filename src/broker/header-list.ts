/** Header fields as Node hands them over and takes them: name, value, name, value … in order, with duplicates. */
export type HeaderList = readonly string[];

/** Fields about one connection (RFC 9110 §7.6.1), with the older ones that proxies meet. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** The fields that may be passed on: none about the connection, none that `Connection` names, none of `dropped`. */
export function endToEndHeaders(list: HeaderList, dropped: ReadonlySet<string> = new Set()): string[] {
  const named = new Set(
    headerPairs(list)
      .filter(([name]) => name.toLowerCase() === 'connection')
      .flatMap(([, value]) => value.toLowerCase().split(','))
      .map((token) => token.trim()),
  );
  return headerPairs(list)
    .filter(([name]) => {
      const lower = name.toLowerCase();
      return !hopByHop.has(lower) && !named.has(lower) && !dropped.has(lower);
    })
    .flat();
}

/** The list as pairs. */
export function headerPairs(list: HeaderList): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < list.length; index += 2) pairs.push([list[index] ?? '', list[index + 1] ?? '']);
  return pairs;
}
