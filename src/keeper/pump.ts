import { closeSync, writeSync } from 'node:fs';
import type { HeldDescriptors } from '#keeper/holder.ts';
import type { InputQueue } from '#keeper/input-queue.ts';
import type { Spool } from '#keeper/spool.ts';
import { type Epoll, epollEvents, type EpollWatch } from '#kernel/epoll.ts';
import { splice } from '#kernel/splice.ts';
import { setWindowSize } from '#kernel/winsize.ts';

/** Master reads give at most a page each, and a pipe has room for 16. */
const readsOfOneTurn = 12;
/** Turns before other terminals get theirs. */
const turns = 4;
const spliceBytes = 65_536;
/** How often a full spool, or a program that takes no input while its output is stalled, is tried again. */
const retryMs = 200;
/** Every slave was closed; a program may still open one again (`setsid`, `script`) within this time. */
const hangUpGraceMs = 50;

export interface PumpHooks {
  /** False while the program has to wait, because too much is unsealed. */
  mayGrow(): boolean;
  /** `bytes` more are in the spool. */
  arrived(bytes: number): void;
  /** The spool is full: gives room back where something is sealed already. */
  makeRoom(): void;
  /** The spool takes no more; it is tried again until `recovered`. Nothing is lost meanwhile. */
  blocked(error: unknown): void;
  recovered(): void;
  /** Every slave is closed and all output is in the spool. Called once. */
  hungUp(): void;
}

export interface PumpOptions {
  readonly epoll: Epoll;
  readonly held: HeldDescriptors;
  readonly spool: Spool;
  readonly input: InputQueue;
  readonly hooks: PumpHooks;
}

/** Moves one terminal's output from PTY to spool inside the kernel, and its input to the PTY. */
export interface Pump {
  /** Gives queued input to the program, as far as it takes it. */
  sendInput(): void;
  resize(size: { readonly columns: number; readonly rows: number }): void;
  /** Goes on after `mayGrow` became true. */
  resume(): void;
  /** Takes what is there and closes the master at once; `hungUp` follows when all of it is in the spool. */
  finish(): void;
  /** Closes the descriptors; what is in the pipe stays there for the next keeper. */
  close(): void;
}

/**
 * A flood is followed without going back to sleep, since each sleep costs the program a wait longer
 * than filling the PTY again takes. It is over when nothing came for this long.
 */
const floodBytes = 4096;
const floodPatienceMs = 0.5;

type State = 'watching' | 'flooding' | 'stalled' | 'hanging' | 'finishing' | 'closed';

export function startPump({ epoll, held, spool, input, hooks }: PumpOptions): Pump {
  let state: State = 'stalled';
  let watch: EpollWatch | undefined;
  let watched = 0;
  let timer: NodeJS.Timeout | undefined;
  let immediate: NodeJS.Immediate | undefined;
  let floodedAt = Number.NEGATIVE_INFINITY;
  let blocked = false;

  const setWatch = (wanted: boolean): void => {
    const events = wanted ? epollEvents.readable | (input.length > 0 ? epollEvents.writable : 0) : 0;
    if (events === 0) watch?.remove();
    else if (!watch) watch = epoll.add(held.master, events, onEvent);
    else if (events !== watched) watch.change(events);
    if (events === 0) watch = undefined;
    watched = events;
  };
  const movePipe = (): void => {
    for (;;) {
      const { fd, position } = spool.target();
      const moved = splice(held.pipeRead, fd, spliceBytes, position);
      if (!moved) return;
      spool.grew(moved);
      hooks.arrived(moved);
    }
  };
  /** Moves the pipe into the spool. False when the spool takes no more. */
  const emptyPipe = (): boolean => {
    try {
      movePipe();
    } catch {
      // Whatever it was, a second failure, with all room given back, is reported.
      hooks.makeRoom();
      try {
        movePipe();
      } catch (error) {
        if (!blocked) hooks.blocked(error);
        blocked = true;
        return false;
      }
    }
    if (blocked) hooks.recovered();
    blocked = false;
    return true;
  };
  /** Moves the PTY's output into the pipe: `more` when there may be more, `over` when no slave is open. */
  const fillPipe = (): 'more' | 'empty' | 'over' => {
    for (let read = 0; read < readsOfOneTurn; read += 1) {
      let moved: number | undefined;
      try {
        moved = splice(held.master, held.pipeWrite, spliceBytes);
      } catch (error) {
        if ((error as { code?: string }).code === 'EIO') return 'over';
        throw error;
      }
      if (moved === undefined) return 'empty';
      if (moved === 0) return 'over';
    }
    return 'more';
  };
  const stall = (): void => {
    state = 'stalled';
    // A hang-up is reported even when nothing is asked for, so a stalled PTY is not watched at all.
    setWatch(false);
    if (blocked || input.length > 0) timer ??= setTimeout(retry, retryMs);
  };
  const retry = (): void => {
    timer = undefined;
    pump();
  };
  const hang = (): void => {
    state = 'hanging';
    setWatch(false);
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = undefined;
      if (fillPipe() !== 'over') pump();
      else if (!emptyPipe()) stall();
      else over();
    }, hangUpGraceMs);
  };
  const pump = (): void => {
    if (state === 'closed' || state === 'finishing') return;
    const before = spool.end;
    if (input.length > 0) flushInput();
    if (!emptyPipe()) return stall();
    for (let turn = 0; turn < turns; turn += 1) {
      if (!hooks.mayGrow()) return stall();
      const outcome = fillPipe();
      if (!emptyPipe()) return stall();
      if (outcome === 'over') return hang();
      if (outcome === 'empty') break;
    }
    const now = performance.now();
    const came = spool.end - before;
    if (came >= floodBytes || (state === 'flooding' && came > 0)) floodedAt = now;
    if (now - floodedAt < floodPatienceMs) {
      state = 'flooding';
      setWatch(false);
      immediate = setImmediate(pump);
    } else {
      state = 'watching';
      setWatch(true);
    }
  };
  const flushInput = (): void => {
    try {
      input.drain((bytes) => writeSync(held.master, bytes));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // EIO: no program is left to read it.
      if (code === 'EIO') input.clear();
      else if (code !== 'EAGAIN') throw error;
    }
  };
  const onEvent = (): void => pump();
  const close = (): void => {
    if (state === 'closed') return;
    setWatch(false);
    clearTimeout(timer);
    clearImmediate(immediate);
    if (state !== 'finishing') closeSync(held.master);
    state = 'closed';
    closeSync(held.pipeRead);
    closeSync(held.pipeWrite);
  };
  const over = (): void => {
    close();
    hooks.hungUp();
  };
  const finishPipe = (): void => {
    if (state !== 'finishing') return;
    if (emptyPipe()) over();
    else timer = setTimeout(finishPipe, retryMs);
  };

  flushInput();
  pump();
  return {
    sendInput() {
      if (state === 'closed' || state === 'finishing') return;
      flushInput();
      if (state === 'watching') {
        // What the input brings back usually comes at once: be there for it.
        floodedAt = performance.now();
        pump();
      } else if (state === 'stalled' && input.length > 0) timer ??= setTimeout(retry, retryMs);
    },
    resize(size) {
      if (state !== 'closed' && state !== 'finishing') setWindowSize(held.master, size);
    },
    resume() {
      if (state === 'stalled' && !blocked) pump();
    },
    finish() {
      if (state === 'closed' || state === 'finishing') return;
      setWatch(false);
      clearTimeout(timer);
      clearImmediate(immediate);
      if (emptyPipe()) fillPipe();
      state = 'finishing';
      closeSync(held.master);
      finishPipe();
    },
    close,
  };
}
