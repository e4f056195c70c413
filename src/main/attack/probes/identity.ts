import type { Probe } from '#main/attack/probe.ts';

/** Ids and privileges, and what the environment tells. */
export const identityProbes: readonly Probe[] = [
  {
    id: 'set-uid',
    category: 'identity',
    what: 'become root by a set-uid program',
    attempt: [
      "path = f'/tmp/as-root-{os.getpid()}'",
      "shutil.copyfile('/usr/bin/id', path)",
      'os.chown(path, 0, 0)',
      'os.chmod(path, 0o4755)',
      "return 'euid=0' in as_user([path]) and 'a program of the user ran as root'",
    ],
    users: ['root'],
  },
  {
    id: 'file-capabilities',
    category: 'identity',
    what: 'give capabilities to a program',
    attempt: [
      "path = f'/tmp/capable-{os.getpid()}'",
      "shutil.copyfile('/bin/cat', path)",
      'os.chmod(path, 0o755)',
      // More than its bounding set would keep the program from starting.
      "most = int(re.search('CapBnd:\\s*(\\w+)', open('/proc/self/status').read())[1], 16)",
      "os.setxattr(path, 'security.capability', struct.pack('<5I', 0x2000001, most & 0xffffffff, 0, most >> 32, 0))",
      "text = as_user([path, '/proc/self/status'])",
      "held = re.search('CapEff:\\\\s*(\\\\w+)', text)",
      "return held and int(held[1], 16) and f'a program of the user had {held[1]}'",
    ],
    users: ['root'],
  },
  {
    id: 'sudo',
    category: 'identity',
    what: 'become root by sudo or su',
    attempt: [
      "for program in (['sudo', '-n', 'id'], ['su', '-c', 'id'], ['pkexec', 'id']):",
      '  try: text = subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, timeout=3, text=True).stdout',
      '  except (OSError, subprocess.TimeoutExpired): continue',
      "  if 'uid=0' in text: return ' '.join(program)",
    ],
    users: ['user'],
  },
  {
    id: 'set-uid-call',
    category: 'identity',
    what: 'become root by a call',
    attempt: ['os.setuid(0)', "return f'uid {os.getuid()}'"],
    users: ['user'],
  },
  {
    id: 'capabilities',
    category: 'identity',
    what: 'take capabilities that it does not have',
    attempt: [
      'before = capabilities()',
      "call('capset', struct.pack('II', 0x20080522, 0), struct.pack('6I', *([0xffffffff] * 6)))",
      'return changed(before, capabilities())',
    ],
  },
  {
    id: 'powerful-capabilities',
    category: 'identity',
    what: 'find a capability that reaches the host in its sets',
    // NET_ADMIN, NET_RAW, SYS_MODULE, SYS_RAWIO, SYS_PTRACE, SYS_ADMIN, SYS_BOOT, SYS_TIME, MKNOD, SETFCAP, MAC, SYSLOG, BPF.
    attempt: [
      'reach = sum(1 << bit for bit in (12, 13, 16, 17, 19, 21, 22, 25, 27, 31, 32, 33, 34, 38, 39, 40))',
      "sets = [int(text, 16) for text in re.findall('Cap\\\\w+:\\\\s*(\\\\w+)', open('/proc/self/status').read())]",
      'return next((hex(held & reach) for held in sets if held & reach), None)',
    ],
  },
  {
    id: 'new-privileges',
    category: 'identity',
    what: 'find that programs may gain privileges, or that nothing filters its calls',
    attempt: [
      "text = open('/proc/self/status').read()",
      "if not re.search('NoNewPrivs:\\\\s*1', text): return 'no_new_privs is off'",
      "if not re.search('Seccomp:\\\\s*2', text): return 'there is no filter'",
    ],
  },
  {
    id: 'uid-of-host',
    category: 'identity',
    what: 'be the root of the host',
    attempt: [
      "first, outside, size = open('/proc/self/uid_map').read().split()[:3]",
      "return int(outside) < 100000 and f'uid {first} is {outside} outside'",
    ],
  },
  {
    id: 'uid-beyond',
    category: 'identity',
    what: 'give a file to a uid that is not its own',
    attempt: [
      "path = f'/tmp/owned-{os.getpid()}'",
      "open(path, 'w').close()",
      'os.chown(path, 70000, 70000)',
      "return f'it belongs to {os.stat(path).st_uid}'",
    ],
  },
  {
    id: 'trusted-attribute',
    category: 'identity',
    what: 'write attributes that only the host may trust',
    attempt: ["os.setxattr('/tmp', 'trusted.overlay.opaque', b'n')", "return 'written'"],
  },
  {
    id: 'groups',
    category: 'identity',
    what: 'take part in groups of the host',
    attempt: ['return os.getgroups() and str(os.getgroups())'],
  },
  {
    id: 'environment-secrets',
    category: 'environment',
    what: 'find a secret in its environment',
    attempt: [
      "named = [name for name, value in os.environ.items() if re.search(secret, name) and value != given['placeholder']]",
      "return ' '.join(named)",
    ],
  },
  {
    id: 'environment-of-others',
    category: 'environment',
    what: 'find one in the environment of any process it sees',
    attempt: [
      "for pid in os.listdir('/proc'):",
      '  if not pid.isdigit(): continue',
      '  try: text = open(f"/proc/{pid}/environ", "rb").read()',
      '  except OSError: continue',
      "  for line in text.decode('latin1').split('\\0'):",
      "    name, _, value = line.partition('=')",
      "    if re.search(secret, name) and value != given['placeholder']: return name",
    ],
  },
  {
    id: 'host-name',
    category: 'environment',
    what: 'learn the name of the host',
    attempt: ["return socket.gethostname() == given['hostName'] and socket.gethostname()"],
  },
];
