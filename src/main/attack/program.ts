import { allowedCalls, inspectedCalls, refusedCalls } from '#warden/seccomp/system-calls.ts';
import type { Probe } from '#main/attack/probe.ts';

/** What attempts are told about the bait outside; see `scene.ts`. */
export interface Given {
  readonly mark: string;
  readonly file: string;
  readonly canary: number;
  readonly port: number;
  readonly abstract: string;
  readonly neighbour: number;
  readonly hostName: string;
  /** What stands in the environment in the place of keys. */
  readonly placeholder: string;
}

const numbers = (machine: NodeJS.Architecture): Record<string, number | null> =>
  Object.fromEntries(
    Object.entries({ ...allowedCalls, ...refusedCalls, ...inspectedCalls, clone3: [435, 435] as const }).map(
      ([name, pair]) => [name, pair[machine === 'x64' ? 0 : 1] ?? null],
    ),
  );

/**
 * The words that attempts are written in. `accepted` is for calls whose effect would harm: with
 * arguments that a willing kernel must refuse as nonsense, any answer but a refusal means that it was
 * willing.
 */
const words = `
import ctypes, errno, fcntl, json, mmap, os, re, shutil, signal, socket, stat, struct, subprocess, sys, termios, time
inherited = [f'{fd} -> {os.readlink("/proc/self/fd/" + fd)}' for fd in os.listdir('/proc/self/fd')
             if int(fd) > 2 and os.path.lexists('/proc/self/fd/' + fd)]
library = ctypes.CDLL(None, use_errno=True)
secret = 'KEY|TOKEN|SECRET|PASS|DATABASE|CASEMATE'
refusals = (errno.EPERM, errno.EACCES, errno.ENOSYS)
def call(name, *parameters):
  number = name if isinstance(name, int) else calls[name]
  if number is None: raise OSError(errno.ENOSYS, '')
  result = library.syscall(ctypes.c_long(number), *(ctypes.c_long(p) if isinstance(p, int) else p for p in parameters))
  if result == -1: raise OSError(ctypes.get_errno(), '')
  return result
def accepted(name, *parameters):
  try: return f'{name} answered {call(name, *parameters)}'
  except OSError as error:
    if error.errno in refusals: raise
    return f'{name} was willing ({errno.errorcode[error.errno]})'
def changed(before, after): return before != after and f'{str(before)[-60:]} became {str(after)[-60:]}'
def mounts(): return open('/proc/self/mountinfo').read()
def capabilities(): return re.findall('Cap.*', open('/proc/self/status').read())
def writable(path):
  os.close(os.open(path, os.O_WRONLY))
  return f'{path} opens for writing'
def put(path, text):
  with open(path, 'w') as file: file.write(text)
  return f'{path} was written'
def readable(path):
  with open(path, 'rb') as file: text = file.read(64)
  return text and f'{path}: {text[:24]!r}'
def marked(path):
  with open(path, 'rb') as file: return given['mark'].encode() in file.read(4096) and f'{path} was read'
def first(act, ways):
  for way in ways:
    try:
      found = act(way)
      if found: return found
    except OSError: pass
def under(base, name):
  return [f'{at}/{file}' for at, _, files in os.walk(base) for file in files if name is None or file == name]
def marked_process():
  for pid in os.listdir('/proc'):
    try:
      if pid.isdigit() and given['mark'].encode() in open(f'/proc/{pid}/cmdline', 'rb').read(): return pid
    except OSError: pass
def connected(address, family=socket.AF_INET):
  with socket.socket(family) as one:
    one.settimeout(2)
    one.connect(address)
    return f'{address!r} answered'
def through_broker(host):
  with socket.create_connection(('127.0.0.1', 3128), 3) as one:
    one.sendall(f'CONNECT {host} HTTP/1.1\\r\\nHost: {host}\\r\\n\\r\\n'.encode())
    line = one.recv(256).split(b'\\r\\n')[0].decode('latin1')
    return ' 200 ' in line + ' ' and line
def as_user(program):
  return subprocess.run(program, user=1000, group=1000, extra_groups=[], capture_output=True, text=True, timeout=3).stdout
def settle(act):
  try: return {'reached': str(act() or '')[:160]}
  except OSError as error: return {'refused': errno.errorcode.get(error.errno, type(error).__name__)}
  except Exception as error: return {'broken': repr(error)[:160]}
def attempt(name, act):
  ours, theirs = os.pipe()
  child = os.fork()
  if child == 0:
    os.close(ours)
    signal.alarm(8)
    os.write(theirs, json.dumps(settle(act)).encode())
    os._exit(0)
  os.close(theirs)
  with os.fdopen(ours, 'rb') as pipe: text = pipe.read()
  _, status = os.waitpid(child, 0)
  found = json.loads(text) if text else {'ended': os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}
  print(json.dumps({'id': name, **found}), flush=True)
`.trim();

/** One program of Python that makes every attempt, each in a process of its own, and prints a line of JSON for it. */
export function attackProgram(probes: readonly Probe[], given: Given): string {
  const functions = probes.map(({ attempt }, index) => [
    `def probe_${index}():`,
    ...attempt.map((line) => `  ${line}`),
  ]);
  return [
    words,
    // JSON within a JSON string: a literal of Python as well.
    `given = json.loads(${JSON.stringify(JSON.stringify(given))})`,
    `calls = json.loads(${JSON.stringify(JSON.stringify(numbers(process.arch)))})`,
    ...functions.flat(),
    ...probes.map(({ id }, index) => `attempt(${JSON.stringify(id)}, probe_${index})`),
    '',
  ].join('\n');
}
