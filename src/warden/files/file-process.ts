import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { CallStream } from '#channel/call.ts';
import { decodeHeaded, encodeFrame, encodeHeaded, type Frame, FrameReader } from '#channel/frame.ts';
import type { Log } from '#channel/log.ts';
import { frameKinds } from '#contract/channel.ts';
import { CasemateError } from '#contract/errors.ts';
import { fileError } from '#warden/files/file-errors.ts';
import { type FileAct, type FileFailure, fileProcess } from '#warden/files/file-messages.ts';
import type { GuestRoot } from '#warden/files/file-work.ts';
import { requireShutIn } from '#warden/files/require-shut-in.ts';
import { unlessAborted } from '#warden/files/unless-aborted.ts';
import { guestUser } from '#warden/guest-user.ts';
import { programEnvironment } from '#warden/processes/run-program.ts';
import { idsPerRange } from '#warden/uid-ranges.ts';

export interface FileProcessOptions {
  readonly root: Omit<GuestRoot, 'ids'>;
  /** Empty, root's, not writable: what the process has for its own root. */
  readonly emptyDirectory: string;
  /** A process that answers nothing for so long is killed. */
  readonly stallMs: number;
  readonly log: Log;
}

export interface AskOptions {
  readonly signal?: AbortSignal;
  /** Items to send with the act. */
  readonly items?: AsyncIterable<Uint8Array>;
  /** Takes the items that come back; the process waits while it does. */
  readonly output?: (bytes: Buffer) => Promise<void>;
}

/** One process that works on the files of one sandbox, shut in as its user (H6). */
export interface FileProcess {
  /** Rejects with a CasemateError; `unavailable` or `timed_out` when the process was lost meanwhile. */
  ask(act: FileAct, options?: AskOptions): Promise<unknown>;
  /** It was killed or ended; there is nothing more to ask of it. */
  readonly lost: boolean;
  /** Settles when it is gone, and nothing of the sandbox is open by it. */
  readonly ended: Promise<void>;
  kill(): void;
}

const program = fileURLToPath(new URL('./file-program.ts', import.meta.url));
/** Small heap, no helper threads: it does one thing at a time. */
const flags = [
  '--max-old-space-size=48',
  '--max-semi-space-size=1',
  '--v8-pool-size=0',
  '--disable-warning=ExperimentalWarning',
];
const environment = { ...programEnvironment, UV_THREADPOOL_SIZE: '1' };
const heldMiB = 256;
const pagesPerMiB = 256;
const lookEveryMs = 250;
const startPatienceMs = 15_000;
const keptReasonBytes = 2048;

interface Pending {
  readonly stream: CallStream;
  settle(frame: Frame): void;
  fail(error: Error): void;
}

/** Starts the process. It begins as root without more power than to become what it is for, and is looked at before it is used. */
export function startFileProcess(options: FileProcessOptions): FileProcess {
  const { root, log } = options;
  const uid = root.firstUid + guestUser.uid;
  const limits = ['--core=0', '--nofile=256', '--nproc=64', '--'];
  const confine = ['--clear-groups', '--bounding-set=-all,+setuid,+setgid,+sys_chroot', '--inh-caps=-all'];
  const identity = [options.emptyDirectory, uid, root.firstUid + guestUser.gid, root.firstUid, idsPerRange].map(String);
  const child = spawn(
    '/usr/bin/prlimit',
    [
      ...[
        ...limits,
        '/usr/bin/unshare',
        '--net',
        '--ipc',
        '--uts',
        '--',
        '/usr/bin/setpriv',
        ...confine,
        '--no-new-privs',
        '--pdeathsig=KILL',
        '--',
      ],
      ...[process.execPath, ...flags, program, ...identity],
    ],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe', root.rootFd], env: environment, cwd: '/', detached: true },
  );
  const socket = child.stdio[fileProcess.socketFd] as Socket;
  const calls = new Map<number, Pending>();
  const reader = new FrameReader();
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => undefined);
  let lost: Error | undefined;
  /** This side has said why it is lost. */
  let explained = false;
  let serial = fileProcess.readyCall;
  /** Looks since a ping that is not answered yet. */
  let silentLooks = 0;
  let admitted = false;

  const lose = (error: Error): void => {
    lost ??= error;
    child.kill('SIGKILL');
    ready.reject(lost);
    for (const call of calls.values()) call.fail(lost);
    calls.clear();
  };
  const kill = (error: Error): void => {
    explained = true;
    lose(error);
  };
  const gone = (): CasemateError =>
    new CasemateError('unavailable', 'The work on the files was broken off. What was there was kept; try again.');
  const write = (parts: Buffer[]): void => {
    if (socket.destroyed) return;
    socket.cork();
    for (const part of parts) socket.write(part);
    socket.uncork();
  };
  const receive = (frame: Frame): void => {
    if (frame.call === fileProcess.readyCall) return admit();
    const call = calls.get(frame.call);
    if (!call) return;
    if (frame.kind === frameKinds.item) call.stream.received(frame.body);
    else if (frame.kind === frameKinds.credit) call.stream.granted(frame.body.readUInt32BE(0));
    else if (frame.kind === frameKinds.reply || frame.kind === frameKinds.error) call.settle(frame);
  };
  const admit = (): void => {
    if (admitted) return;
    admitted = true;
    requireShutIn(child.pid ?? 0, uid, options.emptyDirectory);
    ready.resolve();
  };
  socket.on('data', (bytes: Buffer) => {
    try {
      for (const frame of reader.push(bytes)) receive(frame);
    } catch (error) {
      log.error({ err: error, uid }, 'a file process is not what it should be, and was killed');
      kill(gone());
    }
  });
  socket.on('error', () => lose(gone()));
  const ended = whenGone(child, (reason) => {
    if (!explained) log.error({ uid, reason }, 'a file process ended by itself');
    clearInterval(timer);
    clearTimeout(start);
    lose(gone());
  });
  if (child.pid !== undefined) writeFileSync(`/proc/${child.pid}/oom_score_adj`, '1000');

  const look = (): void => {
    if (calls.size === 0 || lost) return;
    if (memoryPages(child.pid ?? 0) > heldMiB * pagesPerMiB) {
      log.error({ uid }, 'a file process took too much memory, and was killed');
      return kill(gone());
    }
    // Looks are counted, not time: between two of them an answer is heard, however late this process is itself.
    silentLooks += 1;
    if (silentLooks === 1) {
      const answered = (): void => {
        silentLooks = 0;
      };
      ask({ act: 'ping' }).then(answered, answered);
    } else if (silentLooks * lookEveryMs > options.stallMs) {
      log.error({ uid }, 'work on the files of a sandbox hangs; its process was killed');
      kill(new CasemateError('timed_out', 'The disk of the sandbox did not answer. What was there was kept.'));
    }
  };
  const timer = setInterval(look, lookEveryMs);
  const start = setTimeout(() => lose(gone()), startPatienceMs);
  ready.promise.then(() => clearTimeout(start)).catch(() => undefined);

  const ask = async (act: FileAct, { signal, items, output }: AskOptions = {}): Promise<unknown> => {
    await ready.promise;
    if (lost) throw lost;
    serial = (serial % 0xffff_ffff) + 1;
    const call = serial;
    const stream = new CallStream(call, write);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    promise.catch(() => undefined);
    const cancel = (): void => {
      if (calls.has(call)) write(encodeFrame(frameKinds.cancel, call));
    };
    const over = (error?: Error): void => {
      calls.delete(call);
      signal?.removeEventListener('abort', cancel);
      stream.ended();
      stream.fail(error ?? new CasemateError('cancelled'));
    };
    calls.set(call, {
      stream,
      fail(error) {
        over(error);
        reject(error);
      },
      settle(frame) {
        const { header } = decodeHeaded(frame.body);
        over();
        if (frame.kind === frameKinds.reply) resolve(header);
        else reject(fileError(header as FileFailure));
      },
    });
    signal?.addEventListener('abort', cancel);
    write(encodeFrame(frameKinds.request, call, encodeHeaded(act)));
    if (signal?.aborted) cancel();
    if (items) send(stream, items, signal).then(() => stream.end(), cancel);
    if (output) {
      try {
        for await (const { payload } of stream) await unlessAborted(signal, output(payload));
      } catch (error) {
        cancel();
        await promise.catch(() => undefined);
        throw signal?.aborted ? (signal.reason as Error) : error;
      }
    }
    try {
      return await promise;
    } catch (error) {
      throw signal?.aborted ? (signal.reason as Error) : error;
    }
  };

  return {
    ask,
    ended,
    kill: () => kill(gone()),
    get lost() {
      return lost !== undefined;
    },
  };
}

async function send(stream: CallStream, items: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
  const source = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next: IteratorResult<Uint8Array, unknown> = await unlessAborted(signal, source.next());
      if (next.done) return;
      await stream.send({}, next.value);
    }
  } catch (error) {
    // Not awaited: what the caller still sends may never come.
    source.return?.().catch(() => undefined);
    throw error;
  }
}

/** Tells `onEnd` once, with what the process said last. */
function whenGone(child: ChildProcess, onEnd: (reason: string) => void): Promise<void> {
  let reason = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    reason = `${reason}${bytes.toString('utf8')}`.slice(-keptReasonBytes);
  });
  return new Promise((resolve) => {
    const end = (why: string): void => {
      onEnd(why);
      resolve();
    };
    child.once('error', (error) => end(String(error)));
    child.once('exit', (status, signal) => end(`${status ?? signal ?? ''} ${reason}`.trim()));
  });
}

function memoryPages(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]);
  } catch {
    // Gone: its exit says so.
    return 0;
  }
}
