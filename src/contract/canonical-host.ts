const label = '(?!-)[a-z0-9_-]{1,63}(?<!-)';
const namePattern = new RegExp(`^(?:\\*\\.)?(?:${label}\\.)*${label}$`);

/**
 * Whether `host` is written the one way in which destinations are compared: a lower-case ASCII name
 * (international names as `xn--`) or `*.` over one, a dotted IPv4 address without leading zeros, or an
 * IPv6 address in brackets in the form of RFC 5952. A rule in any other spelling would never match, which
 * for a `deny` would mean that it allows.
 */
export function isCanonicalHost(host: string): boolean {
  if (host.startsWith('[')) return host.endsWith(']') && isCanonicalIpv6(host.slice(1, -1));
  if (!namePattern.test(host)) return false;
  return endsInNumber(host) ? isCanonicalIpv4(host) : host.length <= 253;
}

/** A last label of digits, or of `0x` and hexadecimal digits, makes the whole an IPv4 address (URL standard, host parsing). */
export function endsInNumber(host: string): boolean {
  return /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(host);
}

function isCanonicalIpv4(host: string): boolean {
  const octets = host.split('.');
  return octets.length === 4 && octets.every((octet) => /^(?:0|[1-9]\d{0,2})$/.test(octet) && Number(octet) <= 255);
}

function isCanonicalIpv6(address: string): boolean {
  const halves = address.split('::');
  if (halves.length > 2) return false;
  const [left = [], right = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const written = [...left, ...right];
  if (!written.every((group) => /^(?:0|[1-9a-f][0-9a-f]{0,3})$/.test(group))) return false;
  if (halves.length === 1 ? written.length !== 8 : written.length > 6) return false;
  const zeros = Array<string>(8 - written.length).fill('0');
  return compressed([...left, ...zeros, ...right]) === address;
}

/** RFC 5952 §4.2: the longest run of two or more zero groups, the first of equals, becomes `::`. */
function compressed(groups: readonly string[]): string {
  let best = { start: 0, length: 1 };
  for (let start = 0; start < groups.length; start += 1) {
    let length = 0;
    while (groups[start + length] === '0') length += 1;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}
