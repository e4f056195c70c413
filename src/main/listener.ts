import { openSocket } from '#main/up/open-socket.ts';

/**
 * Opens one listening socket and hands it to the supervisor, which as a service has no network of its own:
 * `node src/main/listener.ts HOST PORT`, in a unit that has the host's network, for a moment.
 */
const [host, port] = process.argv.slice(2);
if (host === undefined || port === undefined) throw new Error('usage: node src/main/listener.ts HOST PORT');
const socket = await openSocket(host, Number(port)).catch((error: unknown) => {
  process.send?.({ problem: error instanceof Error ? error.message : String(error) }, undefined, {}, () =>
    process.exit(1),
  );
});
if (socket) process.send?.({ problem: null }, socket, {}, () => process.exit(0));
