import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:net';

/** Opens a listening socket that this process hands on. Rejects with the kernel's reason. */
export function openSocket(host: string, port: number): Promise<Server> {
  const listening = Promise.withResolvers<Server>();
  // Who comes before the server has the socket is turned away, and comes again.
  const socket = createServer({ pauseOnConnect: true }, (early) => early.destroy());
  socket.once('error', listening.reject);
  socket.listen({ host: existing(host), port }, () => listening.resolve(socket));
  return listening.promise;
}

/** Every address, also on a machine without IPv6. A unit may see processes only in /proc, its own among them. */
const existing = (host: string): string => (host === '::' && !existsSync('/proc/self/net/if_inet6') ? '0.0.0.0' : host);
