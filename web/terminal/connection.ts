import { terminalSubprotocol } from '#contract/api.ts';
import type { TerminalSize } from '#contract/common.ts';
import { maximumInputFrameBytes, type ServerFrame } from '#contract/terminal.ts';
import { decodeServerFrame, encodeBrowserFrame } from '#contract/terminal-codec.ts';
import { backOff } from '../api/events.ts';
import { createHeartbeat } from './heartbeat.ts';

/** `slow`: open, but the server has not answered a ping in time. */
export type ConnectionState = 'connecting' | 'live' | 'slow' | 'lost' | 'ended';

/** Where output goes. */
export interface Screen {
  /** Draws `bytes` after those before; `drawn` is called when they are on the screen. */
  write(bytes: Uint8Array, drawn: () => void): void;
  /** Empties the screen, because what follows does not continue it. */
  reset(): void;
}

export interface ConnectionOptions {
  /** `wss://…/socket`, without a query. */
  readonly url: string;
  readonly screen: Screen;
  readonly createSocket?: (url: string, protocol: string) => WebSocket;
  readonly onState: (state: ConnectionState, attempt: number) => void;
  readonly onLatency: (milliseconds: number) => void;
  /** The terminal has this size now, whoever asked for it. */
  readonly onSize: (size: TerminalSize) => void;
  /** Whether this viewer drives: its size counts, and it answers queries. */
  readonly onRole: (drives: boolean) => void;
  /**
   * Whether queries in the output before the server says `live` are answered. Not for a terminal that
   * was seen before: its old queries were answered then, and an answer now would be typed text.
   */
  readonly answersHistory: boolean;
  readonly onEnded: (exit: { exitCode: number | null; signal: string | null }) => void;
  readonly onNotice: (message: string) => void;
}

export interface TerminalConnection {
  /** Typed text. False when it could not be sent. */
  key(text: string): boolean;
  /** Pasted text; the server strips its control characters. */
  paste(text: string): boolean;
  /** What the emulator answers to a query; dropped unless this viewer answers for all. */
  reply(text: string): void;
  resize(size: TerminalSize): void;
  /** Tries at once instead of waiting. */
  retry(): void;
  /** Tells that the network is said to be gone. */
  offline(): void;
  close(): void;
}

/** Acknowledge after this many bytes were drawn, or after 50 ms: well inside the server's window. */
const acknowledgeBytes = 65_536;
const encoder = new TextEncoder();

/**
 * The socket of one terminal. It keeps the absolute offset of what was given to the screen, asks for
 * what follows when it connects again, and drops what it has already.
 */
export function openConnection(options: ConnectionOptions): TerminalConnection {
  const { screen, createSocket = (url, protocol) => new WebSocket(url, protocol) } = options;
  let socket: WebSocket | null = null;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let acknowledgeTimer: ReturnType<typeof setTimeout> | undefined;
  let attempt = 0;
  let received: number | null = null;
  let drawn = 0;
  let acknowledged = 0;
  /** Raised by a reset, so that bytes of the screen before it are not counted. */
  let epoch = 0;
  let answersQueries = false;
  let caughtUp = options.answersHistory;
  /** The server's word where what is new begins; it counts once everything before it is on the screen. */
  let liveFrom: number | null = null;
  let closed = false;
  let ended = false;
  let size: TerminalSize | null = null;

  const isOpen = () => socket?.readyState === 1;
  const send = (frame: Parameters<typeof encodeBrowserFrame>[0]): boolean => {
    if (!socket || !isOpen()) return false;
    socket.send(encodeBrowserFrame(frame));
    return true;
  };
  const heartbeat = createHeartbeat({
    ping: (token) => send({ kind: 'ping', token }),
    onLatency: options.onLatency,
    onLate: () => isOpen() && options.onState('slow', attempt),
    onBack: () => isOpen() && options.onState('live', attempt),
    onDead: () => lose(),
  });

  const acknowledge = () => {
    clearTimeout(acknowledgeTimer);
    acknowledgeTimer = undefined;
    if (drawn > acknowledged && send({ kind: 'acknowledge', offset: drawn })) acknowledged = drawn;
  };
  const catchUp = () => {
    if (liveFrom !== null && drawn >= liveFrom) caughtUp = true;
  };
  const takeOutput = (offset: number, bytes: Uint8Array) => {
    if (received === null) received = offset;
    const known = received - offset;
    if (known >= bytes.length) return;
    if (known < 0) {
      // A hole: what is missing can only be had by asking again.
      lose();
      return;
    }
    received = offset + bytes.length;
    const reached = received;
    const own = epoch;
    screen.write(known === 0 ? bytes : bytes.subarray(known), () => {
      if (own !== epoch) return;
      drawn = reached;
      catchUp();
      if (drawn - acknowledged >= acknowledgeBytes) acknowledge();
      else acknowledgeTimer ??= setTimeout(acknowledge, 50);
    });
  };
  const take = (frame: ServerFrame) => {
    switch (frame.kind) {
      case 'output':
        takeOutput(frame.offset, frame.bytes);
        return;
      case 'start':
        if (received !== frame.offset) {
          epoch += 1;
          screen.reset();
          received = frame.offset;
          drawn = frame.offset;
          acknowledged = frame.offset;
          caughtUp = options.answersHistory && frame.offset === 0;
        }
        return;
      case 'live':
        liveFrom = frame.offset;
        catchUp();
        return;
      case 'size':
        options.onSize({ columns: frame.columns, rows: frame.rows });
        return;
      case 'pong':
        heartbeat.pong(frame.token);
        return;
      case 'role':
        answersQueries = frame.answersQueries;
        options.onRole(answersQueries);
        return;
      case 'notice':
        options.onNotice(frame.message);
        return;
      case 'ended':
        ended = true;
        heartbeat.stop();
        options.onEnded({ exitCode: frame.exitCode, signal: frame.signal });
        options.onState('ended', 0);
        return;
    }
  };

  const drop = () => {
    heartbeat.stop();
    answersQueries = false;
    // What comes after a gap may have been answered by somebody else meanwhile: the server says.
    if (received !== null) caughtUp = false;
    liveFrom = null;
    const old = socket;
    socket = null;
    if (!old) return;
    old.onopen = null;
    old.onmessage = null;
    old.onclose = null;
    old.close();
  };
  const lose = () => {
    drop();
    if (closed || ended) return;
    options.onState('lost', attempt);
    clearTimeout(retryTimer);
    retryTimer = setTimeout(connect, backOff(attempt));
    attempt += 1;
  };
  const connect = () => {
    clearTimeout(retryTimer);
    if (closed || ended) return;
    drop();
    if (attempt === 0 && received === null) options.onState('connecting', 0);
    const query = received === null ? '' : `?offset=${received}`;
    const opened = createSocket(`${options.url}${query}`, terminalSubprotocol);
    socket = opened;
    opened.binaryType = 'arraybuffer';
    opened.onopen = () => {
      attempt = 0;
      acknowledged = Math.min(acknowledged, drawn);
      options.onState('live', 0);
      if (size) send({ kind: 'resize', ...size });
      heartbeat.start();
    };
    opened.onmessage = ({ data }) => {
      if (socket !== opened || !(data instanceof ArrayBuffer)) return;
      heartbeat.heard();
      take(decodeServerFrame(new Uint8Array(data)));
    };
    opened.onclose = lose;
  };

  const sendText = (kind: 'key' | 'paste' | 'reply', text: string): boolean => {
    for (const bytes of pieces(encoder.encode(text), maximumInputFrameBytes - 1)) {
      if (!send({ kind, bytes })) return false;
    }
    heartbeat.nudge();
    return true;
  };

  connect();
  return {
    key: (text) => sendText('key', text),
    paste: (text) => sendText('paste', text),
    reply(text) {
      if (answersQueries && caughtUp) sendText('reply', text);
    },
    resize(next) {
      size = next;
      send({ kind: 'resize', ...next });
    },
    retry() {
      if (isOpen()) return;
      attempt = 0;
      connect();
    },
    offline() {
      if (!closed && !ended) lose();
    },
    close() {
      closed = true;
      clearTimeout(retryTimer);
      clearTimeout(acknowledgeTimer);
      drop();
    },
  };
}

/** Cuts UTF-8 into pieces of at most `limit` bytes, never inside a character. */
export function* pieces(bytes: Uint8Array, limit: number): Generator<Uint8Array> {
  let from = 0;
  while (from < bytes.length) {
    let to = Math.min(from + limit, bytes.length);
    while (to < bytes.length && to > from + 1 && ((bytes[to] ?? 0) & 0xc0) === 0x80) to -= 1;
    yield bytes.subarray(from, to);
    from = to;
  }
}
