import type { Probe } from '#main/attack/probe.ts';

/** `given.file` is a file of the host that the attack put there, and `given.mark` is in it. */
export const fileProbes: readonly Probe[] = [
  {
    id: 'host-file',
    category: 'files',
    what: 'open a file of the host by its path',
    attempt: ["return marked(given['file'])"],
  },
  {
    id: 'host-file-dots',
    category: 'files',
    what: 'climb above its root',
    attempt: [
      "return first(marked, (way + '/..' * 40 + given['file'] for way in ('', '/proc/self/cwd', '/proc/self/root', '/home/user')))",
    ],
  },
  {
    id: 'host-file-links',
    category: 'files',
    what: 'reach it by the links of /proc',
    attempt: [
      "ways = [f'/proc/{pid}/{link}' for pid in os.listdir('/proc') if pid.isdigit() for link in ('root', 'cwd')]",
      "return first(marked, (way + given['file'] for way in ways))",
    ],
  },
  {
    id: 'host-file-symlink',
    category: 'files',
    what: 'reach it by a symbolic link',
    attempt: [
      "link = f'/tmp/link-{os.getpid()}'",
      "os.symlink('/proc/1/root' + given['file'], link)",
      'return marked(link)',
    ],
  },
  {
    id: 'host-file-hardlink',
    category: 'files',
    what: 'reach it by a hard link',
    attempt: ["link = f'/tmp/hard-{os.getpid()}'", "os.link(given['file'], link)", 'return marked(link)'],
  },
  {
    id: 'inherited-descriptors',
    category: 'files',
    what: 'find a descriptor that somebody left open',
    attempt: ["return ' '.join(inherited)"],
  },
  {
    id: 'descriptors-of-others',
    category: 'files',
    what: 'reach the host by a descriptor of any process it sees',
    attempt: [
      'ways = []',
      "for pid in os.listdir('/proc'):",
      '  if not pid.isdigit(): continue',
      "  try: ways += [f'/proc/{pid}/fd/{fd}' for fd in os.listdir(f'/proc/{pid}/fd')]",
      '  except OSError: pass',
      "return first(marked, (way + given['file'] for way in ways))",
    ],
  },
  {
    id: 'init-program',
    category: 'files',
    what: 'write the program that the host runs as its init',
    attempt: ["return first(writable, ('/run/casemate-init', '/proc/1/exe'))"],
  },
  {
    id: 'init-program-replaced',
    category: 'files',
    what: 'put another program in its place',
    attempt: [
      "os.rename('/run/casemate-init', '/run/moved')",
      "os.rename('/run/moved', '/run/casemate-init')",
      "return 'moved'",
    ],
    users: ['root'],
  },
  {
    id: 'template',
    category: 'files',
    what: 'find the disk of its template or of others',
    attempt: [
      "names = [line.split(' ')[3] for line in open('/proc/self/mountinfo')]",
      "return ' '.join(name for name in names if 'casemate' in name and 'sandbox' in name)[:80]",
    ],
  },
  {
    id: 'service-sockets',
    category: 'files',
    what: 'find a socket of the services outside',
    attempt: [
      "found = [path for base in ('/run', '/var/run', '/tmp') for path in under(base, None) if stat.S_ISSOCK(os.lstat(path).st_mode)]",
      "return ' '.join(path for path in found if 'casemate' in path or 'docker' in path or 'postgres' in path)",
    ],
  },
];
