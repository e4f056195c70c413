import { listenOn } from '#kernel/listen.ts';

/**
 * Opens the one network listener, which the server inherits: it has no network of its own to listen in. It stays
 * open here while a server that ended is started again, so that callers wait for a moment and are not refused.
 */
export function openListener({ host, port }: { readonly host: string; readonly port: number }): number {
  try {
    return listenOn(host, port);
  } catch (error) {
    const { code } = error as { code?: string };
    const why = code === 'EADDRINUSE' ? 'another program listens there' : `the kernel says ${code}`;
    throw new Error(`${host} port ${port} cannot be listened on: ${why}. Choose another with --port.`, {
      cause: error,
    });
  }
}
