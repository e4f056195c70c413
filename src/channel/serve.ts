import { chmod, unlink } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import type { z } from 'zod';
import { frameKinds, type MethodContract, type MethodTable } from '#contract/channel.ts';
import { CasemateError } from '#contract/errors.ts';
import { CallStream, callOver, type ReceiveBudget } from '#channel/call.ts';
import { unknownMethod } from '#channel/unknown-method.ts';
import { decodeHeaded, encodeFrame, encodeHeaded, type Frame, FrameReader } from '#channel/frame.ts';
import type { Log } from '#channel/log.ts';

/** Calls that one connection may have under way; a further request is refused. */
const maximumCalls = 4096;
/** Connections at once, when the options name no other number. */
const usualConnections = 64;
/** Items that handlers have not read, of all connections together; a call that brings more is ended. */
const maximumHeldBytes = 64 * 1_048_576;
/** A connection whose peer leaves so much unread is not read any more, and its handlers wait. */
const maximumUnreadBytes = 8 * 1_048_576;

/** What a handler sees of its call beside the parameters. */
export interface ServerCall<Method extends MethodContract> {
  readonly payload: Buffer;
  /** Aborts when the caller cancels or its connection ends. */
  readonly signal: AbortSignal;
  /** Sends an item down; waits while the caller does not read. */
  send(header: ItemOf<Method>, payload?: Uint8Array): Promise<void>;
  /** Items from the caller, until it ends them. */
  readonly items: AsyncIterable<{ readonly header: ItemOf<Method>; readonly payload: Buffer }>;
}

type ItemOf<Method extends MethodContract> = Method['item'] extends z.ZodType ? z.infer<Method['item']> : never;

/** A reply that carries bytes. */
export class WithPayload<Reply> {
  readonly reply: Reply;
  readonly payload: Uint8Array;
  constructor(reply: Reply, payload: Uint8Array) {
    this.reply = reply;
    this.payload = payload;
  }
}
/** Joins bytes to a handler's reply. */
export const withPayload = <Reply>(reply: Reply, payload: Uint8Array): WithPayload<Reply> =>
  new WithPayload(reply, payload);

export type Handlers<Methods extends MethodTable> = {
  readonly [Name in keyof Methods]: (
    parameters: z.infer<Methods[Name]['request']>,
    call: ServerCall<Methods[Name]>,
  ) => Promise<z.input<Methods[Name]['reply']> | WithPayload<z.input<Methods[Name]['reply']>>>;
};

export interface ServeOptions {
  /** Of the Unix socket; a left-over socket file is replaced. */
  readonly path: string;
  /** File mode of the socket. */
  readonly mode?: number;
  /** Decides by the connected descriptor (SO_PEERCRED); refused connections are closed unanswered. */
  readonly admit?: (socketFd: number) => boolean;
  /** More are closed unanswered. */
  readonly maximumConnections?: number;
  readonly log: Log;
}

export interface ChannelServer extends AsyncDisposable {
  /** Stops listening and ends every connection; calls under way are aborted. */
  close(): Promise<void>;
}

/**
 * Serves a method table on a Unix socket. Parameters are parsed by the table's schemas before a
 * handler runs; a handler's CasemateError reaches the caller as it is, anything else is logged and
 * answered `internal`, or `no_space` and `unavailable` where the machine has run out of room or descriptors.
 */
export async function serveChannel<Methods extends MethodTable>(
  methods: Methods,
  handlers: Handlers<Methods>,
  options: ServeOptions,
): Promise<ChannelServer> {
  const connections = new Set<Socket>();
  const budget: ReceiveBudget = { held: 0, maximum: maximumHeldBytes };
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const fd = descriptorOf(socket);
    if (options.admit && (fd === undefined || !options.admit(fd))) {
      options.log.warn({}, 'a connection from another user was refused');
      socket.destroy();
      return;
    }
    if (connections.size >= (options.maximumConnections ?? usualConnections)) {
      options.log.warn({}, 'a connection beyond the maximum was refused');
      socket.destroy();
      return;
    }
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    serveConnection(socket, methods, handlers as unknown as LooseHandlers, { log: options.log, budget });
    socket.resume();
  });
  await unlink(options.path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.path, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.on('error', (error) => options.log.error({ err: error }, 'the channel stopped accepting'));
  await chmod(options.path, options.mode ?? 0o660);
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of connections) socket.destroy();
    await closed;
  };
  return { close, [Symbol.asyncDispose]: close };
}

/** What the machine has run out of is told as that; everything else is `internal`. */
function exhaustionError(error: unknown): CasemateError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const options = { cause: error };
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new CasemateError('no_space', 'The disk of the server is full. What was there was kept.', options);
  }
  if (code === 'EMFILE' || code === 'ENFILE') {
    return new CasemateError('unavailable', 'The server has too many files open. Try again in a moment.', options);
  }
  return new CasemateError('internal', undefined, options);
}

type LooseHandlers = Record<string, (parameters: unknown, call: ServerCall<MethodContract>) => Promise<unknown>>;

/** Node keeps the descriptor of an accepted socket on its handle and documents no other way to it. */
export function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}

function serveConnection(
  socket: Socket,
  methods: MethodTable,
  handlers: LooseHandlers,
  { log, budget }: { readonly log: Log; readonly budget: ReceiveBudget },
): void {
  const reader = new FrameReader();
  const calls = new Map<number, { stream: CallStream; abort: AbortController }>();
  const write = (parts: Buffer[]): void => {
    if (socket.destroyed) return;
    socket.cork();
    for (const part of parts) socket.write(part);
    socket.uncork();
    if (socket.writableLength > maximumUnreadBytes) socket.pause();
  };
  let drained = Promise.withResolvers<void>();
  const goOn = (): void => {
    socket.resume();
    drained.resolve();
    drained = Promise.withResolvers<void>();
  };
  socket.on('drain', goOn);
  /** Waits while the peer does not read, however much credit it gave. */
  const room = async (): Promise<void> => {
    while (socket.writableLength > maximumUnreadBytes && !socket.destroyed) await drained.promise;
  };
  const refuse = (call: number, error: unknown): void => {
    const known = error instanceof CasemateError ? error : exhaustionError(error);
    if (known.code === 'internal') log.error({ err: error }, 'a call failed');
    const header = { code: known.code, message: known.message, detail: known.detail };
    write(encodeFrame(frameKinds.error, call, encodeHeaded(header)));
  };

  const start = async (frame: Frame): Promise<void> => {
    const { header, payload } = decodeHeaded(frame.body);
    const { method: name, parameters } = (header ?? {}) as { method?: unknown; parameters?: unknown };
    const method = typeof name === 'string' && Object.hasOwn(methods, name) ? methods[name] : undefined;
    const handler = typeof name === 'string' && Object.hasOwn(handlers, name) ? handlers[name] : undefined;
    if (!method || !handler) return refuse(frame.call, unknownMethod());
    if (calls.size >= maximumCalls) return refuse(frame.call, new CasemateError('rate_limited'));
    const parsed = method.request.safeParse(parameters);
    if (!parsed.success) {
      return refuse(
        frame.call,
        new CasemateError('invalid_request', 'The parameters are not valid', { cause: parsed.error }),
      );
    }
    const stream = new CallStream(frame.call, write, method.windowBytes, budget);
    const abort = new AbortController();
    calls.set(frame.call, { stream, abort });
    try {
      const answer = await handler(parsed.data, {
        payload,
        signal: abort.signal,
        send: async (item, bytes) => {
          await room();
          await stream.send(item, bytes);
        },
        items: parseItems(method, stream),
      });
      const [reply, bytes] = answer instanceof WithPayload ? [answer.reply, answer.payload] : [answer, undefined];
      write(encodeFrame(frameKinds.reply, frame.call, encodeHeaded(method.reply.parse(reply), bytes)));
    } catch (error) {
      if (!abort.signal.aborted) refuse(frame.call, error);
      else if (!(error instanceof CasemateError)) log.debug({ err: error }, 'a cancelled call ended');
    } finally {
      calls.delete(frame.call);
      stream.fail(callOver);
      stream.discard();
    }
  };
  const receive = (frame: Frame, { stream, abort }: { stream: CallStream; abort: AbortController }): void => {
    if (stream.received(frame.body)) return;
    refuse(frame.call, new CasemateError('rate_limited', 'Too much was sent at once that nobody could take yet.'));
    abort.abort();
    stream.fail(callOver);
  };

  socket.on('data', (bytes: Buffer) => {
    try {
      for (const frame of reader.push(bytes)) {
        const call = calls.get(frame.call);
        if (frame.kind === frameKinds.request) {
          if (call) throw new CasemateError('invalid_request', 'The call number is in use');
          start(frame).catch((error: unknown) => {
            log.warn({ err: error }, 'a peer broke the channel protocol');
            socket.destroy();
          });
        } else if (!call) continue;
        else if (frame.kind === frameKinds.item) receive(frame, call);
        else if (frame.kind === frameKinds.end) call.stream.ended();
        else if (frame.kind === frameKinds.credit) call.stream.granted(frame.body.readUInt32BE(0));
        else if (frame.kind === frameKinds.cancel) {
          call.abort.abort();
          call.stream.fail(callOver);
        }
      }
    } catch (error) {
      log.warn({ err: error }, 'a peer broke the channel protocol');
      socket.destroy();
    }
  });
  socket.on('error', (error) => log.debug({ err: error }, 'a channel connection broke'));
  socket.once('close', () => {
    drained.resolve();
    for (const { abort, stream } of calls.values()) {
      abort.abort();
      stream.fail(callOver);
    }
  });
}

/** Items parsed by the method's schema; a wrong one ends the call with `invalid_request`. */
async function* parseItems(
  method: MethodContract,
  stream: CallStream,
): AsyncGenerator<{ readonly header: never; readonly payload: Buffer }> {
  for await (const { header, payload } of stream) {
    const parsed = method.item?.safeParse(header);
    if (!parsed?.success) throw new CasemateError('invalid_request', 'The item is not valid');
    yield { header: parsed.data as never, payload };
  }
}
