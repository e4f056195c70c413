import type { TeamId } from '#base/ids.ts';
import type { Handlers } from '#channel/serve.ts';
import { CasemateError } from '#contract/errors.ts';
import type { JournalRecord } from '#contract/journal.ts';
import type { WardenJournalKind, wardenMethods } from '#contract/warden.ts';
import type { Journal } from '#journal/journal.ts';
import type { Bindings } from '#warden/bindings.ts';
import type { BrokerChild } from '#warden/broker/broker-child.ts';
import type { ControlGroups } from '#warden/cgroup/control-groups.ts';
import type { Events } from '#warden/events.ts';
import type { GuestFiles } from '#warden/files/guest-files.ts';
import { guestEnvironment } from '#warden/guest-environment.ts';
import { joinPort } from '#warden/network/join-port.ts';
import type { NamespaceSockets } from '#warden/network/namespace-sockets.ts';
import type { ExitWatch } from '#warden/processes/exit-watch.ts';
import { runInSandbox } from '#warden/processes/run-in-sandbox.ts';
import type { LiveSandbox } from '#warden/sandboxes/live-sandbox.ts';
import type { Sandboxes } from '#warden/sandboxes/sandboxes.ts';
import { listTemplates } from '#warden/templates.ts';
import type { Terminals } from '#warden/terminals/terminals.ts';
import { usageOf } from '#warden/usage.ts';
import { workingDirectory } from '#warden/working-directory.ts';

export interface HandlerOptions {
  readonly sandboxes: Sandboxes;
  readonly terminals: Terminals;
  readonly files: GuestFiles;
  readonly sockets: NamespaceSockets;
  readonly groups: ControlGroups;
  readonly exits: ExitWatch;
  readonly broker: BrokerChild;
  readonly bindings: Bindings;
  readonly journal: Journal;
  readonly events: Events;
  readonly tiers: readonly ('crun' | 'runsc')[];
  readonly templatesDirectory: string;
}

const terminalVariables = { TERM: 'xterm-256color', COLORTERM: 'truecolor' } as const;

/**
 * The warden's methods. Each command that acts is on the journal before it acts (H8): a journal that
 * is full answers `no_space` and nothing is done. What a journal holds are ids, sizes and kinds;
 * never arguments, environments, paths or bytes, which may be secret.
 */
export function wardenHandlers(options: HandlerOptions): Handlers<typeof wardenMethods> {
  const { sandboxes, terminals, files, sockets, groups, exits, broker, bindings, journal, events } = options;

  type Command = { readonly commandId?: string | undefined };
  const record = (kind: WardenJournalKind, { commandId }: Command, data: JournalRecord['data']): void => {
    journal.append(kind, { ...data, commandId: commandId ?? null });
  };
  type Owned = Command & { readonly sandboxId: LiveSandbox['record']['sandboxId']; readonly teamId: TeamId };
  const liveOf = ({ sandboxId, teamId }: Owned): LiveSandbox => {
    bindings.check('sandbox', sandboxId, teamId);
    return sandboxes.live(sandboxId);
  };
  /** Finds the sandbox, then puts the command on the journal. */
  const acting = (kind: WardenJournalKind, owned: Owned, data: JournalRecord['data'] = {}): LiveSandbox => {
    const sandbox = liveOf(owned);
    record(kind, owned, { sandboxId: owned.sandboxId, teamId: owned.teamId, ...data });
    return sandbox;
  };
  const rootOf = ({ rootFd, record: { firstUid, teamId } }: LiveSandbox) => ({ rootFd, firstUid, teamId });

  return {
    'warden.health': async () => ({
      tiers: [...options.tiers],
      templates: await listTemplates(options.templatesDirectory),
      broker: broker.running,
    }),

    'sandbox.create': async (request) => {
      // Of the command, not of the sandbox: it is not kept with it.
      const { commandId, ...wanted } = request;
      const { sandboxId, teamId, workspaceId, template, tier } = wanted;
      // Before the ids are bound for good: what is refused leaves nothing behind.
      sandboxes.requireRoom(wanted);
      bindings.bind('sandbox', sandboxId, teamId);
      if (workspaceId !== null) bindings.bind('workspace', workspaceId, teamId);
      guestEnvironment('user', request.environment);
      record('sandbox.create', { commandId }, { sandboxId, teamId, workspaceId, template, tier, ...request.resources });
      return sandboxes.create(wanted);
    },

    'sandbox.kill': async ({ sandboxId, teamId, commandId }) => {
      bindings.check('sandbox', sandboxId, teamId);
      // An act that makes safer never waits for room on a journal (H8).
      try {
        record('sandbox.kill', { commandId }, { sandboxId, teamId });
      } catch (error) {
        if (!(error instanceof CasemateError && error.code === 'no_space')) throw error;
      }
      await sandboxes.kill(sandboxId);
      return {};
    },

    'sandbox.list': async () => ({ sandboxes: sandboxes.list() }),
    'sandbox.usage': async (owned) => usageOf(liveOf(owned), groups),

    'disk.delete': async ({ workspaceId, teamId, commandId }) => {
      // A workspace that no sandbox was ever made for has no disk.
      if (!bindings.known('workspace', workspaceId, teamId)) return {};
      record('disk.delete', { commandId }, { workspaceId, teamId });
      await sandboxes.deleteDisk(workspaceId);
      return {};
    },

    'exec.run': async (request, call) => {
      const sandbox = liveOf(request);
      const program = {
        arguments: request.arguments,
        environment: guestEnvironment(request.user, sandbox.record.environment, request.environment),
        workingDirectory: workingDirectory(sandbox.rootFd, request.workingDirectory),
        user: request.user,
      };
      acting('exec.run', request, { user: request.user, timeoutMs: request.timeoutMs });
      const input = async function* (): AsyncGenerator<Uint8Array> {
        for await (const { header, payload } of call.items) if (header.stream === 'stdin') yield payload;
      };
      return runInSandbox({
        sandbox,
        process: program,
        timeoutMs: request.timeoutMs,
        groups,
        exits,
        signal: call.signal,
        input: input(),
        output: (stream, bytes) => call.send({ stream }, bytes),
      });
    },

    'terminal.start': async (request) => {
      const sandbox = liveOf(request);
      bindings.bind('terminal', request.terminalId, request.teamId);
      const program = {
        arguments: request.arguments,
        environment: guestEnvironment('user', terminalVariables, sandbox.record.environment, request.environment),
        workingDirectory: workingDirectory(sandbox.rootFd, request.workingDirectory),
      };
      acting('terminal.start', request, { terminalId: request.terminalId });
      await terminals.start(sandbox, request.terminalId, program, request.size);
      return {};
    },

    'terminal.kill': async (request) => {
      bindings.check('terminal', request.terminalId, request.teamId);
      const sandbox = acting('terminal.kill', request, { terminalId: request.terminalId });
      await terminals.kill(sandbox, request.terminalId);
      return {};
    },

    'terminal.list': async () => ({ terminals: terminals.list() }),

    events: async (_, call) => {
      for await (const event of events.follow(call.signal)) await call.send(event);
      return {};
    },

    'file.list': async (request) => files.list(rootOf(liveOf(request)), request.at, request.limit),
    'file.stat': async (request) => files.stat(rootOf(liveOf(request)), request.at),
    'file.read': async (request, call) => {
      const sandbox = acting('file.read', request);
      const send = (bytes: Buffer): Promise<void> => call.send({}, bytes);
      return { size: await files.read(rootOf(sandbox), request.at, request, send, call.signal) };
    },
    'file.write': async (request, call) => {
      const sandbox = acting('file.write', request);
      const chunks = async function* (): AsyncGenerator<Uint8Array> {
        for await (const { payload } of call.items) yield payload;
      };
      return files.write(rootOf(sandbox), request.at, request, chunks(), call.signal);
    },
    'file.makeDirectory': async (request) =>
      files.makeDirectory(rootOf(acting('file.make-directory', request)), request.at),
    'file.rename': async (request) => {
      await files.rename(rootOf(acting('file.rename', request)), request.at, request.to);
      return {};
    },
    'file.remove': async (request) => {
      await files.remove(rootOf(acting('file.remove', request)), request.at);
      return {};
    },

    'port.dial': async (request, call) => {
      const sandbox = acting('port.dial', request, { port: request.port });
      const socket = await sockets.dial(sandbox.networkFd, request.port, call.signal);
      const input = async function* (): AsyncGenerator<Uint8Array> {
        for await (const { payload } of call.items) yield payload;
      };
      await joinPort({ socket, input: input(), output: (bytes) => call.send({}, bytes), signal: call.signal });
      return {};
    },

    'journal.read': async (request, call) => journal.read(request, call.signal),
  };
}
