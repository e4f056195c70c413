import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { ServerFrame } from '#contract/terminal.ts';
import { decodeBrowserFrame, encodeServerFrame } from '#contract/terminal-codec.ts';
import { openConnection, pieces, type TerminalConnection } from './connection.ts';

class FakeSocket {
  readyState = 0;
  binaryType = '';
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly sent: Uint8Array[] = [];
  readonly url: string;
  constructor(url: string) {
    this.url = url;
  }
  send(bytes: Uint8Array) {
    this.sent.push(bytes);
  }
  close() {
    this.readyState = 3;
  }
  open() {
    this.readyState = 1;
    this.onopen?.();
  }
  receive(frame: ServerFrame) {
    const bytes = encodeServerFrame(frame);
    this.onmessage?.({ data: bytes.buffer });
  }
  lose() {
    this.readyState = 3;
    this.onclose?.();
  }
}

const text = (value: string) => new TextEncoder().encode(value);

function world(run: (parts: ReturnType<typeof build>) => void, answersHistory = true): void {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const parts = build(answersHistory);
  try {
    run(parts);
  } finally {
    parts.connection.close();
    mock.timers.reset();
  }
}

function build(answersHistory: boolean) {
  const sockets: FakeSocket[] = [];
  const states: string[] = [];
  const screen = {
    shown: '',
    resets: 0,
    drawn: [] as (() => void)[],
    write(bytes: Uint8Array, drawn: () => void) {
      screen.shown += new TextDecoder().decode(bytes);
      screen.drawn.push(drawn);
    },
    reset() {
      screen.shown = '';
      screen.resets += 1;
    },
  };
  const connection: TerminalConnection = openConnection({
    url: 'ws://test/socket',
    screen,
    createSocket: (url) => {
      const socket = new FakeSocket(url);
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    onState: (state) => states.push(state),
    onLatency: () => undefined,
    onSize: () => undefined,
    onRole: () => undefined,
    answersHistory,
    onEnded: () => undefined,
    onNotice: () => undefined,
  });
  const last = () => sockets.at(-1) as FakeSocket;
  const sent = () => last().sent.map(decodeBrowserFrame);
  return { sockets, states, screen, connection, last, sent };
}

test('a lost connection resumes at the offset that the screen has, and duplicates are dropped', () => {
  world(({ sockets, states, screen, last }) => {
    last().open();
    last().receive({ kind: 'start', offset: 100 });
    last().receive({ kind: 'output', offset: 100, bytes: text('hello') });
    last().lose();
    assert.equal(states.at(-1), 'lost');
    mock.timers.tick(250);
    assert.equal(sockets.length, 2);
    assert.equal(last().url, 'ws://test/socket?offset=105');
    last().open();
    last().receive({ kind: 'output', offset: 103, bytes: text('lo world') });
    assert.equal(screen.shown, 'hello world');
  });
});

test('a start at another offset empties the screen', () => {
  world(({ screen, last }) => {
    last().open();
    last().receive({ kind: 'start', offset: 0 });
    last().receive({ kind: 'output', offset: 0, bytes: text('old') });
    last().receive({ kind: 'start', offset: 900 });
    last().receive({ kind: 'output', offset: 900, bytes: text('new') });
    assert.equal(screen.shown, 'new');
  });
});

test('a hole in the output is asked for again instead of being shown', () => {
  world(({ screen, last, sockets }) => {
    last().open();
    last().receive({ kind: 'output', offset: 0, bytes: text('ab') });
    last().receive({ kind: 'output', offset: 5, bytes: text('fg') });
    assert.equal(screen.shown, 'ab');
    mock.timers.tick(250);
    assert.equal(sockets.length, 2);
    assert.equal(last().url, 'ws://test/socket?offset=2');
  });
});

test('what was drawn is acknowledged, and what was only received is not', () => {
  world(({ screen, last, sent }) => {
    last().open();
    last().receive({ kind: 'output', offset: 0, bytes: text('abc') });
    last().receive({ kind: 'output', offset: 3, bytes: text('def') });
    screen.drawn[0]?.();
    mock.timers.tick(50);
    assert.deepEqual(
      sent().filter(({ kind }) => kind === 'acknowledge'),
      [{ kind: 'acknowledge', offset: 3 }],
    );
  });
});

test('replies are sent only by the viewer that answers queries', () => {
  world(({ last, sent, connection }) => {
    last().open();
    connection.reply('\u001b[?1;2c');
    last().receive({ kind: 'role', answersQueries: true });
    connection.reply('\u001b[?1;2c');
    assert.equal(sent().filter(({ kind }) => kind === 'reply').length, 1);
  });
});

test('queries of a history that others saw are not answered again', () => {
  world(({ screen, last, sent, connection }) => {
    last().open();
    last().receive({ kind: 'role', answersQueries: true });
    last().receive({ kind: 'start', offset: 0 });
    last().receive({ kind: 'output', offset: 0, bytes: text('old query') });
    mock.timers.tick(1000);
    connection.reply('old');
    last().receive({ kind: 'live', offset: 9 });
    // A query right behind: the server is done with the history, the screen is not.
    last().receive({ kind: 'output', offset: 9, bytes: text('new query') });
    connection.reply('old');
    screen.drawn[0]?.();
    connection.reply('new');
    const replies = sent().flatMap((frame) => (frame.kind === 'reply' ? [new TextDecoder().decode(frame.bytes)] : []));
    assert.deepEqual(replies, ['new']);
  }, false);
});

test('tries are spaced from 250 ms to 5 s, and an ended terminal is left alone', () => {
  world(({ sockets, last }) => {
    for (const wait of [250, 500, 1000, 2000, 4000, 5000, 5000]) {
      last().lose();
      const before = sockets.length;
      mock.timers.tick(wait - 1);
      assert.equal(sockets.length, before);
      mock.timers.tick(1);
      assert.equal(sockets.length, before + 1);
    }
    last().open();
    last().receive({ kind: 'ended', exitCode: 0, signal: null });
    const before = sockets.length;
    last().lose();
    mock.timers.tick(60_000);
    assert.equal(sockets.length, before);
  });
});

test('a server that stops answering is noticed within half a second of a key press', () => {
  world(({ last, states, connection }) => {
    last().open();
    const ping = last()
      .sent.map(decodeBrowserFrame)
      .find(({ kind }) => kind === 'ping');
    assert.ok(ping?.kind === 'ping');
    last().receive({ kind: 'pong', token: ping.token });
    connection.key('x');
    mock.timers.tick(499);
    assert.equal(states.at(-1), 'slow');
    mock.timers.tick(9000);
    assert.ok(states.includes('lost'));
  });
});

test('typing without a connection is told, not swallowed', () => {
  world(({ connection }) => assert.equal(connection.key('x'), false));
});

test('long input is cut between characters', () => {
  const cut = [...pieces(text('aé€😀'.repeat(3)), 5)];
  assert.ok(cut.every((piece) => piece.length <= 5));
  assert.equal(cut.map((piece) => new TextDecoder('utf-8', { fatal: true }).decode(piece)).join(''), 'aé€😀'.repeat(3));
});
