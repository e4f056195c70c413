/**
 * Python that prints what a program in a sandbox finds around it, a line a fact. It uses nothing but
 * what it is given: no program is started, so that there is one process to look at.
 */
export const lookInside = `
import array, fcntl, os, re, socket, stat, struct
def text(path):
  try: return open(path).read()
  except OSError as error: return error.strerror
def fact(*words): print(' '.join(str(word) for word in words))
descriptors = os.listdir('/proc/self/fd')
for fd in sorted(descriptors, key=int):
  try: target = os.readlink('/proc/self/fd/' + fd)
  except OSError: continue
  fact('descriptor', fd, re.sub(':.*', '', target))
for line in text('/proc/self/limits').split('\\n')[1:]:
  if line: fact('limit', re.sub(' {2,}', ' | ', line.strip()))
for name, value in re.findall('^(Uid|Gid|Groups|Cap\\w+|NoNewPrivs|Seccomp|Seccomp_filters):[ \\t]*(.*?)[ \\t]*$', text('/proc/self/status'), re.M):
  fact('status', name, re.sub('\\s+', ' ', value))
for name in sorted(os.environ): fact('environment', f'{name}={os.environ[name]}')
for name in ('oom_score_adj', 'setgroups', 'timens_offsets', 'loginuid'):
  fact('process', name, re.sub('\\s+', ' ', text('/proc/self/' + name)).strip())
fact('umask', oct(os.umask(0o22)))
fact('host name', socket.gethostname())
for _, name in socket.if_nameindex():
  held = fcntl.ioctl(socket.socket(), 0x8913, struct.pack('16s16x', name.encode()))
  fact('interface', name, hex(struct.unpack_from('H', held, 16)[0]))
for line in text('/proc/net/route').strip().split('\\n')[1:]: fact('route', *line.split()[:3])
for name in sorted({line.split()[-1] for line in text('/proc/net/ipv6_route').strip().split('\\n')} - {'lo', 'directory'}): fact('route6', name)
for line in text('/proc/net/if_inet6').strip().split('\\n'): fact('address6', *line.split()[:1], *line.split()[-1:])
for kind in ('tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6', 'packet', 'unix'):
  for line in text('/proc/net/' + kind).strip().split('\\n')[1:]:
    fact('socket', kind, *(line.split()[1:4] if kind.startswith(('tcp', 'udp', 'raw')) else ['one']))
for base, _, names in sorted(os.walk('/dev')):
  for name in sorted(names):
    path = base + '/' + name
    mode = os.lstat(path)
    kind = 'c' if stat.S_ISCHR(mode.st_mode) else 'b' if stat.S_ISBLK(mode.st_mode) else 'link' if stat.S_ISLNK(mode.st_mode) else 'file'
    number = f'{os.major(mode.st_rdev)}:{os.minor(mode.st_rdev)}' if kind in 'cb' else ''
    fact('device', path, kind, *([number] if number else []), oct(mode.st_mode & 0o777) if kind != 'link' else os.readlink(path))
for name in sorted(os.listdir('/proc')):
  if name.isdigit(): continue
  path = '/proc/' + name
  if os.path.islink(path): continue
  try: shown = 'entries' if os.path.isdir(path) and os.listdir(path) else 'bytes' if not os.path.isdir(path) and open(path, 'rb').read(1) else 'nothing'
  except OSError as error: shown = error.strerror
  if shown in ('entries', 'bytes'): fact('proc', name, shown)
for base in ('/proc/sys', '/sys', '/proc/irq', '/proc/fs', '/proc/bus'):
  for at, _, names in os.walk(base):
    for name in names:
      try: os.close(os.open(at + '/' + name, os.O_WRONLY)); fact('writable', at + '/' + name)
      except OSError: pass
fact('sys', *sorted(os.listdir('/sys')))
for name in ('net/ipv4/ip_forward', 'net/ipv4/ip_unprivileged_port_start', 'net/ipv4/ping_group_range', 'net/ipv6/conf/all/forwarding',
             'user/max_user_namespaces', 'kernel/hostname', 'kernel/domainname'):
  fact('sysctl', name, re.sub('\\s+', ' ', text('/proc/sys/' + name)).strip())
for line in text('/proc/self/cgroup').strip().split('\\n'): fact('cgroup', re.sub('[0-9a-f]{8}-[0-9]+', '<name>', line.split(':', 2)[2]))
`;
