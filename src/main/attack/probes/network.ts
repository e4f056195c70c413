import type { Probe } from '#main/attack/probe.ts';

/** `given.port` and `given.abstract` are sockets of the host, and `given.neighbour` a port inside another sandbox. */
export const networkProbes: readonly Probe[] = [
  {
    id: 'interfaces',
    category: 'network',
    what: 'find an interface beside its loopback',
    attempt: ["return ' '.join(name for _, name in socket.if_nameindex() if name != 'lo')"],
  },
  {
    id: 'routes',
    category: 'network',
    what: 'find a route out',
    // Connecting a datagram socket asks for a route, and sends nothing. The address is of no network (RFC 5737).
    attempt: ["socket.socket(2, 2).connect(('192.0.2.1', 53))", "return 'there is a route'"],
  },
  {
    id: 'routes-6',
    category: 'network',
    what: 'find a route out by IPv6',
    attempt: ["socket.socket(10, 2).connect(('2001:db8::1', 53))", "return 'there is a route'"],
  },
  {
    id: 'metadata',
    category: 'network',
    what: 'reach the metadata of a cloud at 169.254.169.254',
    attempt: ["return connected(('169.254.169.254', 80))"],
  },
  {
    id: 'names',
    category: 'network',
    what: 'resolve a name without the broker',
    attempt: ["try: return socket.getaddrinfo('example.com', 443)[0][4][0]", 'except socket.gaierror: return None'],
  },
  {
    id: 'host-loopback',
    category: 'network',
    what: 'reach a port of the host on 127.0.0.1',
    attempt: ["return connected(('127.0.0.1', given['port']))"],
  },
  {
    id: 'host-abstract',
    category: 'network',
    what: 'reach an abstract socket of the host',
    attempt: ["return connected('\\0' + given['abstract'], socket.AF_UNIX)"],
  },
  {
    id: 'neighbour-port',
    category: 'network',
    what: 'reach a port of another sandbox',
    attempt: ["return connected(('127.0.0.1', given['neighbour']))"],
  },
  {
    id: 'neighbour-abstract',
    category: 'network',
    what: 'reach an abstract socket of another sandbox',
    attempt: ["return connected('\\0' + given['mark'], socket.AF_UNIX)"],
  },
  ...(
    [
      ['door-loopback', '127.0.0.1', 'reach a port of the host through the broker'],
      ['door-loopback-name', 'localhost', 'reach it by name'],
      ['door-loopback-6', '[::1]', 'reach it by IPv6'],
      ['door-loopback-mapped', '[::ffff:127.0.0.1]', 'reach it by IPv4 within IPv6'],
      ['door-loopback-number', '2130706433', 'reach it by an address written as one number'],
      ['door-any', '0.0.0.0', 'reach it by the address of any'],
    ] as const
  ).map(
    ([id, host, what]): Probe => ({
      id,
      category: 'network',
      what,
      attempt: [`return through_broker('${host}:' + str(given['port']))`],
      users: ['user'],
    }),
  ),
  {
    id: 'door-metadata',
    category: 'network',
    what: 'reach the metadata of a cloud through the broker',
    attempt: ["return through_broker('169.254.169.254:80')"],
    users: ['user'],
  },
  {
    id: 'interface-flags',
    category: 'network',
    what: 'configure an interface',
    attempt: [
      "held = fcntl.ioctl(socket.socket(2, 2), 0x8913, struct.pack('16s16x', b'lo'))",
      'fcntl.ioctl(socket.socket(2, 2), 0x8914, held)',
      "return 'lo was configured'",
    ],
  },
];
