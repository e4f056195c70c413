import type { OnReadOpts, Socket } from 'node:net';
import type { Egress } from '#broker/admission.ts';
import { maximumHelloBytes, readFirstBytes } from '#broker/client-hello.ts';
import { type NamedDestination, parseDestination } from '#broker/destination.ts';
import { createPour } from '#broker/pour.ts';
import { Refusal } from '#broker/refusal.ts';

/**
 * The connection of an accepted socket as one that reads into `onread`'s buffer, which an accepted one cannot.
 * The given one is destroyed, and its connection lives on; what it had read already is its own.
 */
export type TakeOver = (accepted: Socket, onread: OnReadOpts) => Socket;

export interface TunnelOptions {
  /** Bytes that followed the request head. */
  readonly head: Buffer;
  readonly egress: Egress;
  readonly takeOver: TakeOver;
  /** A tunnel on which nothing moves for so long is ended. */
  readonly idleMs?: number;
  /** From the first byte of a TLS hello to its last. */
  readonly helloMs?: number;
}

/** Ports on which TLS is spoken; others only when the policy itself names host and port carry plain bytes there. */
const tlsPorts: ReadonlySet<number> = new Set([443, 465, 563, 636, 853, 989, 990, 992, 993, 995, 5061, 6697, 8443]);

/** A fatal `unrecognized_name` alert (RFC 8446 §6), so that the client says what is wrong. */
const unrecognizedName = Buffer.from([21, 3, 3, 0, 2, 2, 112]);

/**
 * Connects a guest's CONNECT to its destination and answers 200. What is inside stays encrypted end to
 * end: the broker neither sees nor adds credentials here. The server name of a TLS hello must be the host
 * of the CONNECT (H13), since a shared front end would else lead to any of its hosts; an encrypted hello
 * is refused because its name cannot be seen. Resolves when the tunnel stands.
 *
 * @throws Refusal when the destination cannot be reached; nothing was written to the guest then
 */
export async function openTunnel(accepted: Socket, options: TunnelOptions): Promise<void> {
  const { egress, head, takeOver, idleMs = 15 * 60_000, helloMs = 10_000 } = options;
  const greeting: Buffer[] = [];
  const download = createPour((chunk) => greeting.push(chunk));
  const upload = createPour((chunk) => judge(chunk));
  let upstream: Socket;
  try {
    upstream = await egress.connect(download.onread);
  } catch (error) {
    egress.close(error instanceof Refusal ? error.reason : 'failed', 0, 0);
    throw error;
  }
  if (accepted.destroyed || egress.signal.aborted) {
    accepted.destroy();
    upstream.destroy();
    egress.close('guest went away', 0, upstream.bytesRead);
    return;
  }
  const read: unknown = accepted.read();
  const guest = takeOver(accepted, upload.onread);
  let outcome = 'ended';
  let finished = false;
  const end = (why: string): void => {
    if (finished) return;
    finished = true;
    outcome = why === 'ended' ? outcome : why;
    clearTimeout(helloTimer);
    egress.signal.removeEventListener('abort', aborted);
    guest.destroy();
    upstream.destroy();
    egress.close(outcome, upstream.bytesWritten, upstream.bytesRead);
  };
  const aborted = (): void => end('ended by policy');
  let helloTimer: NodeJS.Timeout | undefined;
  egress.signal.addEventListener('abort', aborted);
  guest.on('error', () => end('guest broke the connection'));
  upstream.on('error', () => end('destination broke the connection'));
  guest.on('close', () => end('ended'));
  // An upstream that is done in both directions leaves the guest to drain what is still on its way to it.
  upstream.on('close', () => {
    if (upstream.readableEnded) guest.destroySoon();
    else end('destination broke the connection');
  });
  for (const socket of [guest, upstream]) socket.setTimeout(idleMs, () => end('idle'));
  guest.write('HTTP/1.1 200 Connection established\r\n\r\n');
  for (const chunk of greeting) guest.write(chunk);
  download.start(upstream, guest);

  const refuse = (reason: string): void => {
    egress.refuse(reason);
    guest.write(unrecognizedName);
    end(reason);
  };
  let first: Buffer = Buffer.isBuffer(read) ? Buffer.concat([head, read]) : head;
  const proceed = (): void => {
    clearTimeout(helloTimer);
    guest.off('end', proceed);
    if (first.length > 0) upstream.write(first);
    upload.start(guest, upstream);
  };
  const judge = (chunk: Buffer): void => {
    first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
    const verdict = readFirstBytes(first);
    if (verdict.kind === 'more') {
      if (first.length > maximumHelloBytes * 2) return refuse('TLS hello is too long');
      if (first.length > 0) helloTimer ??= setTimeout(() => refuse('TLS hello is incomplete'), helloMs);
      return;
    }
    const problem = verdictProblem(verdict, egress);
    if (problem !== undefined) return refuse(problem);
    if (verdict.kind === 'plain') outcome = 'ended (plain bytes)';
    proceed();
  };
  guest.once('end', proceed);
  guest.resume();
  judge(Buffer.alloc(0));
}

function verdictProblem(verdict: ReturnType<typeof readFirstBytes>, { destination, rule }: Egress): string | undefined {
  if (verdict.kind === 'malformed') return 'TLS hello is malformed';
  if (verdict.kind === 'plain') {
    return tlsPorts.has(destination.port) && rule !== 'allow' ? 'plain bytes on a TLS port' : undefined;
  }
  if (verdict.kind !== 'hello') return undefined;
  if (verdict.encrypted) return 'TLS hello is encrypted (ECH)';
  if (verdict.serverName === null) return destination.literal === null ? 'TLS hello has no server name' : undefined;
  return namesHost(verdict.serverName, destination) ? undefined : 'TLS server name is not the CONNECT host';
}

function namesHost(serverName: string, destination: NamedDestination): boolean {
  try {
    return parseDestination(serverName, destination.port).host === destination.host;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}
