import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Server, Socket } from 'node:net';
import type { SandboxId, TeamId } from '#base/ids.ts';
import type { Log } from '#channel/log.ts';
import { allocatorEnvironment } from '#config/process-memory.ts';
import type { DoorMessage } from '#contract/broker.ts';
import { duplicate } from '#kernel/duplicate.ts';
import { nameServiceFiles, watchReplaced } from '#warden/broker/watch-replaced.ts';
import { programEnvironment } from '#warden/processes/run-program.ts';

/** The broker as the warden's child, and the doors that it answers. */
export interface BrokerChild extends AsyncDisposable {
  readonly running: boolean;
  /** Takes over `listeningFd`, a door inside a sandbox, and hands it to the broker now and after each restart. */
  openDoor(sandboxId: SandboxId, teamId: TeamId, listeningFd: number): void;
  /** Closes the door for good. Nothing happens when there is none. */
  closeDoor(sandboxId: SandboxId): void;
}

export interface BrokerOptions {
  /** The program that confines the broker and becomes it, and the file that tells it how. */
  readonly launcher: string;
  readonly confinement: string;
  readonly log: Log;
}

const firstBackOffMs = 100;
const lastBackOffMs = 5000;
/** A broker that lived this long was sound; the next back-off begins anew. */
const soundAfterMs = 10_000;

/** Starts the broker, confined, and starts it again whenever it ends. */
export function startBroker(options: BrokerOptions): BrokerChild {
  const doors = new Map<SandboxId, { readonly teamId: TeamId; readonly fd: number }>();
  let child: ChildProcess | undefined;
  let retry: NodeJS.Timeout | undefined;
  let backOffMs = firstBackOffMs;
  let ready = false;
  let closing = false;
  /** Copies of doors on their way. A channel that breaks answers for none of them. */
  const onTheirWay = new Set<() => void>();
  /** Doors that this broker has been handed and has not yet said that it took. */
  let unacknowledged = 0;

  const tell = (message: DoorMessage, handle?: Server, done?: () => void): void => {
    if (!child?.connected) {
      done?.();
      return;
    }
    if (handle) unacknowledged += 1;
    child.send(message, handle, (error) => {
      if (error && !closing) options.log.warn({ err: error }, 'the broker did not take a door');
      done?.();
    });
  };
  const hand = (sandboxId: SandboxId): void => {
    const door = doors.get(sandboxId);
    if (!door) return;
    const { server, release } = listeningServer(door.fd);
    const settle = (): void => {
      if (onTheirWay.delete(settle)) release();
    };
    onTheirWay.add(settle);
    tell({ type: 'door.open', sandboxId, teamId: door.teamId }, server, settle);
  };

  const start = (): void => {
    const startedMs = Date.now();
    const current = spawn(process.execPath, [options.launcher, options.confinement], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...programEnvironment, ...allocatorEnvironment },
      cwd: '/',
    });
    child = current;
    ready = false;
    unacknowledged = 0;
    const due = (): boolean => {
      if (unacknowledged === 0) return false;
      unacknowledged -= 1;
      return true;
    };
    hearOnlyAcknowledgements(current, due, (error) => {
      options.log.error({ err: error }, 'the channel to the broker is out of step; the broker is started again');
      current.kill('SIGKILL');
    });
    current.on('message', (message: unknown) => {
      if ((message as { type?: unknown } | null)?.type !== 'ready' || ready) return;
      ready = true;
      for (const sandboxId of doors.keys()) hand(sandboxId);
    });
    current.on('error', (error) => options.log.error({ err: error }, 'the broker did not start'));
    current.once('exit', (status, signal) => {
      ready = false;
      for (const settle of onTheirWay) settle();
      if (closing) return;
      if (Date.now() - startedMs > soundAfterMs) backOffMs = firstBackOffMs;
      options.log.error({ status, signal, backOffMs }, 'the broker ended; it is started again');
      retry = setTimeout(start, backOffMs);
      backOffMs = Math.min(backOffMs * 2, lastBackOffMs);
    });
  };
  start();
  // The broker sees these files as they were when it started.
  const names = watchReplaced(nameServiceFiles, () => {
    options.log.warn({}, 'how names are resolved has changed; the broker is started again');
    child?.kill('SIGTERM');
  });

  return {
    get running() {
      return ready && child?.connected === true;
    },
    openDoor(sandboxId, teamId, listeningFd) {
      doors.set(sandboxId, { teamId, fd: listeningFd });
      if (ready) hand(sandboxId);
    },
    closeDoor(sandboxId) {
      const door = doors.get(sandboxId);
      if (!door) return;
      doors.delete(sandboxId);
      closeSync(door.fd);
      if (ready) tell({ type: 'door.close', sandboxId });
    },
    async [Symbol.asyncDispose]() {
      closing = true;
      names[Symbol.dispose]();
      clearTimeout(retry);
      for (const door of doors.values()) closeSync(door.fd);
      doors.clear();
      const ending = child;
      if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
      const ended = new Promise<void>((resolve) => ending.once('exit', () => resolve()));
      ending.kill('SIGTERM');
      const force = setTimeout(() => ending.kill('SIGKILL'), 3000);
      await ended;
      clearTimeout(force);
    },
  };
}

/**
 * A net.Server around a copy of a listening descriptor that does not accept here: `listen({ fd })`
 * would, and take connections that are the broker's. Node sends a server by its `_handle` alone, and
 * documents no other way to one.
 */
function listeningServer(fd: number): { server: Server; release: () => void } {
  const socket = new Socket({ fd: duplicate(fd), readable: false, writable: false });
  const server = new Server();
  Reflect.set(server, '_handle', Reflect.get(socket, '_handle'));
  return {
    server,
    release: () => {
      Reflect.set(server, '_handle', null);
      socket.destroy();
    },
  };
}

const acknowledgements: readonly unknown[] = ['NODE_HANDLE_ACK', 'NODE_HANDLE_NACK'];

/**
 * Of the messages with which Node's two ends speak about handles, only acknowledgements that are due
 * get through: Node trusts a child with the others, and one in wrong hands would end this process or
 * have it listen somewhere. Node documents no other way to refuse them. What Node cannot take all the
 * same goes to `onFailure`.
 */
function hearOnlyAcknowledgements(child: ChildProcess, take: () => boolean, onFailure: (error: unknown) => void): void {
  const listeners = child.listeners('internalMessage');
  child.removeAllListeners('internalMessage');
  child.on('internalMessage', (message: unknown, handle: unknown) => {
    if (!acknowledgements.includes((message as { cmd?: unknown } | null)?.cmd) || !take()) return;
    try {
      for (const listener of listeners) Reflect.apply(listener, child, [message, handle]);
    } catch (error) {
      onFailure(error);
    }
  });
}
