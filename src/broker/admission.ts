import type { OnReadOpts, Socket } from 'node:net';
import { type Clock, systemClock } from '#base/clock.ts';
import type { Log } from '#channel/log.ts';
import type { CredentialKind } from '#contract/broker.ts';
import type { JournalRecord } from '#contract/journal.ts';
import type { PolicyDecision } from '#contract/policy.ts';
import type { Journal } from '#journal/journal.ts';
import type { NamedDestination } from '#broker/destination.ts';
import { dial } from '#broker/dial.ts';
import { createRateLimit } from '#broker/rate.ts';
import { Refusal } from '#broker/refusal.ts';
import type { Resolver } from '#broker/resolve.ts';

export interface EgressRequest {
  readonly destination: NamedDestination;
  /** The HTTP method, or CONNECT. */
  readonly method: string;
  readonly credential: CredentialKind | null;
}

/** One way out that was allowed and journalled. */
export interface Egress {
  readonly destination: NamedDestination;
  readonly rule: PolicyDecision['rule'];
  /** Aborts when the policy no longer allows it or the door closes. */
  readonly signal: AbortSignal;
  /** Dials the checked addresses. With `onread` its bytes arrive there, and not as events. */
  connect(onread?: OnReadOpts): Promise<Socket>;
  /** Records that it ended; only the first call counts. Bytes as they crossed the upstream connection. */
  close(outcome: string, bytesOut: number, bytesIn: number): void;
  /** Records a refusal found after it was allowed, such as a wrong server name in a TLS hello. */
  refuse(reason: string): void;
}

/** All decisions of one door. */
export interface Admission {
  /**
   * Decides by policy, resolves, guards the addresses, decides again (the policy may have changed while
   * resolving) and journals, in this order; only then may anything be connected.
   *
   * @throws Refusal, journalled where it is a decision of ours
   */
  admit(request: EgressRequest): Promise<Egress>;
  /** Journals and returns a refusal that was decided elsewhere. */
  refused(request: EgressRequest, refusal: Refusal): Refusal;
  /** Ends what the policy no longer allows. */
  reconsider(): void;
  /** Ends everything. */
  endAll(reason: string): void;
}

/** Who goes out through a door: what it may reach, and how its traffic is recorded. */
export interface Party {
  /** Names it in log lines and journal records. */
  readonly name: Readonly<Record<string, string>>;
  readonly kinds: { readonly allowed: string; readonly refused: string; readonly closed: string };
  decide(request: EgressRequest): PolicyDecision;
  /** What a record says besides the destination. */
  describe(request: EgressRequest): JournalRecord['data'];
  /** Who can change that something is refused, and how. */
  readonly howToAllow: string;
}

export interface AdmissionOptions {
  readonly party: Party;
  readonly resolver: Resolver;
  readonly journal: Pick<Journal, 'append'>;
  readonly log: Log;
  readonly clock?: Clock;
  readonly limits: AdmissionLimits;
}

export interface AdmissionLimits {
  /** Ways out that one door may hold at once. */
  readonly concurrent: number;
  /** Decisions of one door, so that it cannot fill the journal for everyone. */
  readonly burst: number;
  readonly perSecond: number;
}

export const defaultAdmissionLimits: AdmissionLimits = { concurrent: 256, burst: 1000, perSecond: 200 };

const floodRecordMs = 10_000;

/** Makes the admission of one door. */
export function createAdmission(options: AdmissionOptions): Admission {
  const { party, resolver, journal, log, limits, clock = systemClock } = options;
  const { kinds } = party;
  const rate = createRateLimit(clock, limits.burst, limits.perSecond);
  const open = new Map<AbortController, EgressRequest>();
  let pending = 0;
  let lastFloodRecord = Number.NEGATIVE_INFINITY;

  const record = (kind: string, request: EgressRequest, reason: string): void => {
    const { host, port } = request.destination;
    journal.append(kind, { ...party.describe(request), method: request.method, host, port, reason });
  };

  /** For records of what is refused or over anyway: a full journal does not undo them. */
  const recordAfterwards = (kind: string, data: () => void): void => {
    try {
      data();
    } catch (error) {
      log.error({ err: error, ...party.name, kind }, 'the journal did not take a record');
    }
  };

  const refused = (request: EgressRequest, refusal: Refusal): Refusal => {
    recordAfterwards(kinds.refused, () => record(kinds.refused, request, refusal.reason));
    return refusal;
  };

  const byPolicy = ({ destination: { host, port } }: EgressRequest, reason: string): Refusal =>
    new Refusal(403, reason, `refused ${host}:${port}: ${reason}. ${party.howToAllow}`);

  const throttle = (request: EgressRequest): void => {
    if (rate.take()) return;
    const refusal = new Refusal(429, 'too many requests', 'too many requests at once; try again in a second');
    const now = clock.now();
    if (now - lastFloodRecord < floodRecordMs) throw refusal;
    lastFloodRecord = now;
    throw refused(request, refusal);
  };

  const start = (request: EgressRequest, decision: PolicyDecision, addresses: readonly string[]): Egress => {
    try {
      record(kinds.allowed, request, decision.reason);
    } catch (error) {
      log.error({ err: error, ...party.name }, 'a connection was refused because it could not be journalled');
      throw new Refusal(503, 'journal full', 'nothing may leave while it cannot be recorded: the journal is full', {
        cause: error,
      });
    }
    const abort = new AbortController();
    const began = clock.now();
    const { host, port } = request.destination;
    open.set(abort, request);
    return {
      destination: request.destination,
      rule: decision.rule,
      signal: abort.signal,
      connect: (onread) => dial({ addresses, port, signal: abort.signal, onread }),
      close(outcome, bytesOut, bytesIn) {
        if (!open.delete(abort)) return;
        const milliseconds = Math.max(0, clock.now() - began);
        const ended = abort.signal.aborted ? String(abort.signal.reason) : outcome;
        const data = { ...party.name, host, port, bytesOut, bytesIn, milliseconds, outcome: ended };
        recordAfterwards(kinds.closed, () => journal.append(kinds.closed, data));
      },
      refuse: (reason) => {
        recordAfterwards(kinds.refused, () => record(kinds.refused, request, reason));
      },
    };
  };

  return {
    refused,
    async admit(request) {
      throttle(request);
      if (open.size + pending >= limits.concurrent) {
        throw refused(request, new Refusal(429, 'too many connections', 'too many connections are open'));
      }
      const before = party.decide(request);
      if (!before.allowed) throw refused(request, byPolicy(request, before.reason));
      pending += 1;
      let addresses: readonly string[];
      try {
        addresses = await resolver.resolve(request.destination);
      } catch (error) {
        throw error instanceof Refusal ? refused(request, error) : error;
      } finally {
        pending -= 1;
      }
      const decision = party.decide(request);
      if (!decision.allowed) throw refused(request, byPolicy(request, decision.reason));
      return start(request, decision, addresses);
    },
    reconsider() {
      for (const [abort, request] of open) {
        if (!party.decide(request).allowed) abort.abort('ended by policy');
      }
    },
    endAll(reason) {
      for (const abort of open.keys()) abort.abort(reason);
    },
  };
}
