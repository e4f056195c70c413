import { closeSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { TerminalId } from '#base/ids.ts';
import type { Log } from '#channel/log.ts';
import { type Epoll, epollEvents, type EpollWatch } from '#kernel/epoll.ts';
import { acceptUnix, listenUnix, receiveRights } from '#kernel/socket-rights.ts';
import { isPtyMaster } from '#kernel/winsize.ts';

export interface ConsoleSocket {
  /** Takes up what has come already, without waiting for the event. */
  poll(): void;
  /** Closes and removes the socket. */
  close(): void;
}

export interface ConsoleSocketOptions {
  readonly epoll: Epoll;
  /** 0700, so that only root (the runtime) and the keeper can connect. */
  readonly directory: string;
  readonly terminalId: TerminalId;
  readonly log: Log;
  /** The first PTY master that came; it belongs to the callee. The socket is closed before. */
  readonly onMaster: (master: number) => void;
}

/** The socket to which the runtime sends a PTY's master (`--console-socket` of OCI runtimes). A left-over one is replaced. */
export function openConsoleSocket(options: ConsoleSocketOptions): ConsoleSocket {
  const { epoll, log, terminalId } = options;
  const file = path.join(options.directory, terminalId);
  rmSync(file, { force: true });
  const listener = listenUnix(file);
  const connections = new Map<number, EpollWatch>();
  let closed = false;

  const drop = (connection: number): void => {
    connections.get(connection)?.remove();
    connections.delete(connection);
    closeSync(connection);
  };
  const close = (): void => {
    if (closed) return;
    closed = true;
    for (const connection of connections.keys()) drop(connection);
    listening.remove();
    closeSync(listener);
    rmSync(file, { force: true });
  };
  const receive = (connection: number): void => {
    let received: ReturnType<typeof receiveRights>;
    try {
      received = receiveRights(connection);
    } catch (error) {
      log.warn({ err: error, terminalId }, 'a console connection broke');
      return drop(connection);
    }
    if (!received) return;
    const master = received.descriptors.find((fd) => isPtyMaster(fd));
    for (const fd of received.descriptors) if (fd !== master) closeSync(fd);
    if (master !== undefined) {
      close();
      options.onMaster(master);
    } else if (received.bytes === 0 || received.descriptors.length > 0) {
      if (received.bytes > 0) log.warn({ terminalId }, 'a console connection sent something else than a PTY master');
      drop(connection);
    }
  };
  const accept = (): void => {
    for (let connection = acceptUnix(listener); connection !== undefined; connection = acceptUnix(listener)) {
      const accepted = connection;
      connections.set(
        accepted,
        epoll.add(accepted, epollEvents.readable, () => receive(accepted)),
      );
    }
  };
  const listening = epoll.add(listener, epollEvents.readable, accept);
  return {
    poll() {
      if (!closed) accept();
      for (const connection of connections.keys()) if (!closed) receive(connection);
    },
    close,
  };
}
