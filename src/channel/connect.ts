import { connect, type Socket } from 'node:net';
import type { z } from 'zod';
import { frameKinds, type MethodContract, type MethodTable } from '#contract/channel.ts';
import { CasemateError, isErrorCode } from '#contract/errors.ts';
import { CallStream, callOver } from '#channel/call.ts';
import { decodeHeaded, encodeFrame, encodeHeaded, type Frame, FrameReader, type Headed } from '#channel/frame.ts';
import type { Log } from '#channel/log.ts';

type ItemOf<Method extends MethodContract> = Method['item'] extends z.ZodType ? z.infer<Method['item']> : never;

export interface Answer<Reply> {
  readonly reply: Reply;
  readonly payload: Buffer;
}

/** A call with items: read `items` to the end (or cancel), then `done` tells how it ended. */
export interface OpenCall<Method extends MethodContract> extends Disposable {
  readonly items: AsyncIterable<{ readonly header: ItemOf<Method>; readonly payload: Buffer }>;
  send(header: ItemOf<Method>, payload?: Uint8Array): Promise<void>;
  end(): void;
  readonly done: Promise<Answer<z.infer<Method['reply']>>>;
  /** Aborts the call on the other side; `done` rejects with `cancelled`. */
  cancel(): void;
}

export interface CallOptions {
  readonly payload?: Uint8Array;
  readonly signal?: AbortSignal;
}

export interface Channel<Methods extends MethodTable> extends Disposable {
  /** Rejects with the serving side's CasemateError, or `unavailable` while there is no connection. */
  call<Name extends keyof Methods & string>(
    method: Name,
    parameters: z.input<Methods[Name]['request']>,
    options?: CallOptions,
  ): Promise<Answer<z.infer<Methods[Name]['reply']>>>;
  open<Name extends keyof Methods & string>(
    method: Name,
    parameters: z.input<Methods[Name]['request']>,
    options?: CallOptions,
  ): OpenCall<Methods[Name]>;
  readonly connected: boolean;
  /** Called after each connect, also at once when connected already. Returns how to stop listening. */
  onConnected(listener: () => void): () => void;
  close(): void;
}

interface Pending {
  readonly stream: CallStream;
  settle(frame: Frame): void;
  fail(error: Error): void;
}

const firstRetryMs = 50;
const lastRetryMs = 1000;
/** How long a call waits for a connection that is not there yet. */
const connectPatienceMs = 2000;

export interface ConnectOptions {
  readonly path: string;
  readonly log: Log;
  /** Comes between a call and its sending, and may add to the parameters; what it throws is how the call ends. */
  readonly prepare?: (method: string, parameters: unknown) => Promise<unknown>;
}

/** Connects to `serveChannel` and stays connected: it reconnects by itself until closed. */
export function connectChannel<Methods extends MethodTable>(
  methods: Methods,
  options: ConnectOptions,
): Channel<Methods> {
  const { log, path } = options;
  const listeners = new Set<() => void>();
  const waiting = new Set<() => void>();
  let socket: Socket | undefined;
  let pending = new Map<number, Pending>();
  let lastCall = 0;
  let closed = false;
  let retryMs = firstRetryMs;
  let timer: NodeJS.Timeout | undefined;

  const dial = (): void => {
    if (closed) return;
    const attempt = connect(path);
    const reader = new FrameReader();
    const calls = new Map<number, Pending>();
    attempt.once('connect', () => {
      retryMs = firstRetryMs;
      socket = attempt;
      pending = calls;
      for (const resume of waiting) resume();
      for (const listener of listeners) listener();
    });
    attempt.on('data', (bytes: Buffer) => {
      try {
        for (const frame of reader.push(bytes)) receive(calls, frame);
      } catch (error) {
        log.error({ err: error, path }, 'the other side broke the channel protocol');
        attempt.destroy();
      }
    });
    attempt.on('error', (error) => log.debug({ err: error, path }, 'the channel has no connection'));
    attempt.once('close', () => {
      if (socket === attempt) socket = undefined;
      const gone = new CasemateError('unavailable', 'A part of the server went away during the call');
      for (const call of calls.values()) call.fail(gone);
      calls.clear();
      if (closed) return;
      timer = setTimeout(dial, retryMs);
      retryMs = Math.min(retryMs * 2, lastRetryMs);
    });
  };

  const ready = async (signal?: AbortSignal): Promise<void> => {
    if (socket || closed) return;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        clearTimeout(patience);
        waiting.delete(finish);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const patience = setTimeout(finish, connectPatienceMs);
      waiting.add(finish);
      signal?.addEventListener('abort', finish);
    });
  };

  const open: Channel<Methods>['open'] = (name, parameters, callOptions = {}) => {
    type Method = Methods[typeof name];
    const method = methods[name] as MethodContract;
    const signal = callOptions.signal;
    const call = (lastCall = (lastCall % 0xffff_ffff) + 1);
    let used: Socket | undefined;
    const early: Buffer[][] = [];
    const write = (parts: Buffer[]): void => {
      if (!used) early.push(parts);
      else if (!used.destroyed) {
        used.cork();
        for (const part of parts) used.write(part);
        used.uncork();
      }
    };
    const stream = new CallStream(call, write, method?.windowBytes);
    const { promise: done, resolve, reject } = Promise.withResolvers<Answer<z.infer<Method['reply']>>>();
    done.catch(() => undefined);
    let over = false;
    const finish = (error?: Error): void => {
      if (over) return;
      over = true;
      signal?.removeEventListener('abort', cancel);
      if (used === socket) pending.delete(call);
      if (error) {
        stream.fail(error);
        reject(error);
      } else {
        stream.ended();
        stream.fail(callOver);
      }
    };
    const cancel = (): void => {
      if (over) return;
      if (used) write(encodeFrame(frameKinds.cancel, call));
      finish(new CasemateError('cancelled'));
    };
    signal?.addEventListener('abort', cancel);
    const entry: Pending = {
      stream,
      fail: finish,
      settle(frame) {
        const { header, payload } = decodeHeaded(frame.body);
        if (frame.kind === frameKinds.error) return finish(remoteError(header));
        const parsed = method.reply.safeParse(header);
        if (!parsed.success)
          return finish(new CasemateError('internal', 'The reply is not valid', { cause: parsed.error }));
        resolve({ reply: parsed.data as z.infer<Method['reply']>, payload });
        finish();
      },
    };
    const begin = async (): Promise<void> => {
      if (signal?.aborted) return cancel();
      await ready(signal);
      if (over) return;
      const sent = options.prepare ? await options.prepare(name, parameters) : parameters;
      if (over) return;
      if (!socket)
        return finish(new CasemateError('unavailable', 'A part of the server is not running; it is being restarted'));
      used = socket;
      pending.set(call, entry);
      write(
        encodeFrame(frameKinds.request, call, encodeHeaded({ method: name, parameters: sent }, callOptions.payload)),
      );
      for (const parts of early.splice(0)) write(parts);
    };
    begin().catch((error: unknown) => finish(error instanceof Error ? error : new Error(String(error))));
    return {
      items: parseItems(method, stream) as OpenCall<Method>['items'],
      send: (header, payload) => stream.send(header, payload),
      end: () => stream.end(),
      done,
      cancel,
      [Symbol.dispose]: cancel,
    };
  };

  dial();
  const close = (): void => {
    closed = true;
    clearTimeout(timer);
    socket?.destroy();
    for (const resume of waiting) resume();
  };
  return {
    open,
    call: (name, parameters, callOptions) => open(name, parameters, callOptions).done,
    get connected() {
      return socket !== undefined;
    },
    onConnected(listener) {
      listeners.add(listener);
      if (socket) listener();
      return () => listeners.delete(listener);
    },
    close,
    [Symbol.dispose]: close,
  };
}

function receive(calls: Map<number, Pending>, frame: Frame): void {
  const call = calls.get(frame.call);
  if (!call) return;
  if (frame.kind === frameKinds.item) call.stream.received(frame.body);
  else if (frame.kind === frameKinds.credit) call.stream.granted(frame.body.readUInt32BE(0));
  else if (frame.kind === frameKinds.reply || frame.kind === frameKinds.error) call.settle(frame);
}

/** What the serving side said went wrong, as an error of this side. */
function remoteError(header: unknown): CasemateError {
  const { code, message, detail } = (header ?? {}) as { code?: unknown; message?: unknown; detail?: unknown };
  return new CasemateError(isErrorCode(code) ? code : 'internal', typeof message === 'string' ? message : undefined, {
    detail: (detail ?? {}) as Record<string, string | number | boolean>,
  });
}

async function* parseItems(method: MethodContract, stream: CallStream): AsyncGenerator<Headed> {
  for await (const { header, payload } of stream) {
    const parsed = method.item?.safeParse(header);
    if (!parsed?.success) throw new CasemateError('internal', 'The other side sent an item that is not valid');
    yield { header: parsed.data, payload };
  }
}
