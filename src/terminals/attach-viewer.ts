import { auditContext, type Grant } from '#access/grant.ts';
import type { TerminalId } from '#base/ids.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Stall } from '#contract/keeper.ts';
import { encodeServerFrame } from '#contract/terminal-codec.ts';
import { findTerminal, type TerminalView } from '#database/workspaces/terminal-store.ts';
import { chooseStart } from '#terminals/choose-start.ts';
import { createInputWriter } from '#terminals/input-writer.ts';
import { createResizer } from '#terminals/resize-terminal.ts';
import type { TerminalContext, TerminalKey } from '#terminals/terminal-context.ts';
import { stallNotice } from '#terminals/stall-notice.ts';
import { splitPiece } from '#terminals/split-piece.ts';
import { terminalOutput } from '#terminals/terminal-output.ts';
import { ViewedTerminal, type Viewer } from '#terminals/viewed-terminal.ts';
import { createViewerInput } from '#terminals/viewer-input.ts';
import { type ViewerTransport, ViewerWindow } from '#terminals/viewer-window.ts';

/** One viewer's connection, without knowledge of WebSockets. Nothing is read from it before `receive`. */
export interface ViewerConnection extends ViewerTransport {
  /** Frames go to `listener`, whose throw ends the connection with that error. */
  receive(listener: (frame: Uint8Array) => void): void;
  pause(): void;
  resume(): void;
}

export interface AttachOptions {
  /** First byte wanted; absent: near the end. */
  readonly offset?: number | undefined;
  readonly connection: ViewerConnection;
  readonly signal: AbortSignal;
  readonly touch: () => void;
}

const filesHintEveryMs = 2000;
/** The last bytes may be read before the exit is known. */
const exitPatienceMs = 5000;

/**
 * Serves one viewer until it goes (`signal`) or the terminal has ended and all was shown. Errors:
 * `not_found`, and what a frame that cannot be read throws.
 */
export async function attachViewer(
  context: TerminalContext,
  grant: Grant<'terminal:watch'>,
  drives: boolean,
  terminalId: TerminalId,
  options: AttachOptions,
): Promise<void> {
  const row = await context.database.withTenant(grant.scope, (tx) => findTerminal(tx, terminalId));
  if (!row) throw new CasemateError('not_found', 'There is no such terminal.');
  const key: TerminalKey = { terminalId, teamId: row.teamId, workspaceId: row.workspaceId, sandboxId: row.sandboxId };
  await context.audit.record({
    ...auditContext(grant),
    event: 'terminal.attached',
    outcome: 'success',
    fields: { terminalId, drives },
  });
  const { connection } = options;
  const failure = Promise.withResolvers<never>();
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const viewed = viewedTerminal(context, key, row, grant);
  const viewer: Viewer = {
    drives: drives && row.state !== 'ended',
    size: null,
    onRole: (answersQueries) => connection.send(encodeServerFrame({ kind: 'role', answersQueries })),
    onSize: (size) => connection.send(encodeServerFrame({ kind: 'size', ...size })),
  };
  try {
    const start = await chooseStart(context, key, grant.scope, options.offset, signal);
    const window = new ViewerWindow(start.offset, connection);
    viewed.join(viewer);
    if (start.announce) connection.send(encodeServerFrame({ kind: 'start', offset: start.offset }));
    const writer = createInputWriter(context.keeper, key, signal, ({ code }) => {
      const message = 'The program does not read what is typed; the last input was not delivered.';
      connection.send(encodeServerFrame({ kind: 'notice', code, message }));
    });
    const take = createViewerInput({
      viewer,
      viewed,
      writer,
      send: (frame) => connection.send(frame),
      unsent: connection,
      pause: () => connection.pause(),
      resume: () => connection.resume(),
      acknowledge: (offset) => window.acknowledge(offset),
      touch: () => {
        options.touch();
        context.sandboxes.touch(key.sandboxId);
      },
    });
    connection.receive((frame) => {
      try {
        take(frame);
      } catch (error) {
        failure.reject(error);
      }
    });
    const tellStall = (stall: Stall | null): void => connection.send(encodeServerFrame(stallNotice(stall)));
    const show = async (): Promise<void> => {
      // Exact to the byte: one piece may hold an old query and a new one.
      const liveFrom = Math.max(start.seenUpTo, viewed.answeredUpTo);
      const tellLive = () => connection.send(encodeServerFrame({ kind: 'live', offset: liveFrom }));
      if (liveFrom <= start.offset) tellLive();
      for await (const read of terminalOutput(context, key, grant.scope, start.offset, signal, tellStall)) {
        for (const piece of splitPiece(read, liveFrom)) {
          await window.room(signal);
          const end = piece.offset + piece.bytes.length;
          connection.send(encodeServerFrame({ kind: 'output', ...piece }));
          window.sentUpTo(end);
          if (viewed.isDriver(viewer)) viewed.answeredUpTo = Math.max(viewed.answeredUpTo, end);
          if (end === liveFrom) tellLive();
        }
        if (key.workspaceId) context.hints.publishAtMost(key.workspaceId, 'files', filesHintEveryMs);
      }
      const exit = await exitOf(context, viewed, grant, terminalId);
      connection.send(encodeServerFrame({ kind: 'ended', ...exit }));
    };
    await Promise.race([show(), failure.promise]);
  } catch (error) {
    // Who has gone is no failure.
    if (!options.signal.aborted) throw error;
  } finally {
    stop.abort();
    viewed.leave(viewer);
    if (viewed.viewers.size === 0 && context.viewed.get(terminalId) === viewed) context.viewed.delete(terminalId);
  }
}

function viewedTerminal(context: TerminalContext, key: TerminalKey, row: TerminalView, grant: Grant): ViewedTerminal {
  const known = context.viewed.get(key.terminalId);
  if (known) return known;
  const size = { columns: row.columns, rows: row.rows };
  const viewed = new ViewedTerminal(size, createResizer(context, key, grant.scope));
  context.viewed.set(key.terminalId, viewed);
  return viewed;
}

async function exitOf(
  context: TerminalContext,
  viewed: ViewedTerminal,
  grant: Grant,
  terminalId: TerminalId,
): Promise<{ exitCode: number | null; signal: string | null }> {
  const find = () => context.database.withTenant(grant.scope, (tx) => findTerminal(tx, terminalId));
  const before = await find();
  const exit = before?.state === 'ended' ? before : ((await viewed.exitWithin(exitPatienceMs)) ?? (await find()));
  return { exitCode: exit?.exitCode ?? null, signal: exit?.signal ?? null };
}
