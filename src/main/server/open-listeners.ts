import { closeSync } from 'node:fs';
import { bindTo, listenOn } from '#kernel/listen.ts';

/** Sockets that are bound; whoever serves them listens. */
export interface Listeners {
  readonly configured: number;
  /** On loopback, for the time before there is an owner; null where the configured address is loopback itself. */
  readonly loopback: number | null;
}

const loopbackPattern = /^(?:127(?:\.\d{1,3}){3}|::1)$/;

/** Binds the sockets of the one port. Throws, in words for the operator, when the address cannot be had. */
export function openListeners({ host, port }: { readonly host: string; readonly port: number }): Listeners {
  try {
    // Two sockets of one port need SO_REUSEPORT, which would let a second instance in as well: this one would not.
    closeSync(listenOn(host, port));
    if (loopbackPattern.test(host)) return { configured: bindTo(host, port, { shared: false }), loopback: null };
    const configured = bindTo(host, port, { shared: true });
    return { configured, loopback: bindTo('127.0.0.1', port, { shared: true }) };
  } catch (error) {
    const { code } = error as { code?: string };
    const why = code === 'EADDRINUSE' ? 'another program listens there' : `the kernel says ${code}`;
    throw new Error(`${host} port ${port} cannot be listened on: ${why}. Choose another with --port.`, {
      cause: error,
    });
  }
}

/** The descriptors, in the order in which a child inherits them. */
export function descriptorsOf({ configured, loopback }: Listeners): number[] {
  return loopback === null ? [configured] : [configured, loopback];
}

/** The numbers under which a child inherits them: in their order, after 0–2 and the channel. */
export function inheritedListeners({ loopback }: Listeners): Listeners {
  return { configured: 4, loopback: loopback === null ? null : 5 };
}
