interface HeartbeatOptions {
  /** Sends a ping; false when there is nothing to send it on. */
  readonly ping: (token: number) => boolean;
  readonly onLatency: (milliseconds: number) => void;
  /** No answer for a while: a person should know. */
  readonly onLate: () => void;
  readonly onBack: () => void;
  /** No answer for so long that the connection is given up. */
  readonly onDead: () => void;
  readonly now?: () => number;
}

export interface Heartbeat {
  start(): void;
  stop(): void;
  pong(token: number): void;
  /** Anything came: the other side lives. */
  heard(): void;
  /** Something was sent, so an answer matters now. */
  nudge(): void;
}

const intervalMs = 1000;
/** The banner must stand within 500 ms of a loss; typing pings at once, so this is what is left. */
const lateMs = 450;
const deadMs = 8000;

/** Measures the way to the server and back, and notices when it stops answering. */
export function createHeartbeat(options: HeartbeatOptions): Heartbeat {
  const now = options.now ?? (() => performance.now());
  let token = 0;
  let sentAt: number | null = null;
  let late = false;
  let usual = 0;
  let interval: ReturnType<typeof setInterval> | undefined;
  let lateTimer: ReturnType<typeof setTimeout> | undefined;
  let deadTimer: ReturnType<typeof setTimeout> | undefined;

  const settle = () => {
    clearTimeout(lateTimer);
    clearTimeout(deadTimer);
    if (late) {
      late = false;
      options.onBack();
    }
  };
  const arm = () => {
    lateTimer = setTimeout(
      () => {
        late = true;
        options.onLate();
      },
      Math.max(lateMs, usual * 2),
    );
    deadTimer = setTimeout(options.onDead, Math.max(deadMs, usual * 10));
  };
  const beat = () => {
    // A hidden page's timers are held back by the browser and would tell of losses that are none.
    if (sentAt !== null || globalThis.document?.hidden) return;
    token = (token + 1) >>> 0;
    if (!options.ping(token)) return;
    sentAt = now();
    arm();
  };
  return {
    start() {
      this.stop();
      interval = setInterval(beat, intervalMs);
      beat();
    },
    stop() {
      clearInterval(interval);
      clearTimeout(lateTimer);
      clearTimeout(deadTimer);
      sentAt = null;
      late = false;
    },
    pong(answered) {
      if (answered !== token || sentAt === null) return;
      const took = now() - sentAt;
      usual = usual === 0 ? took : (usual + took) / 2;
      sentAt = null;
      settle();
      options.onLatency(took);
    },
    heard() {
      settle();
      // The ping is still to be answered: the waiting begins anew.
      if (sentAt !== null) arm();
    },
    nudge: beat,
  };
}
