import { createServer } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import { doorMessageSchema } from '#contract/broker.ts';

/** A broker that only answers at its doors: 204 with the sandbox's id, so that a test sees which door it was. */
const http = createServer((_, response) => {
  response.writeHead(204, { 'x-broker-uid': String(process.getuid?.()), 'x-broker-pid': String(process.pid) }).end();
});
process.on('message', (message, handle) => {
  const parsed = doorMessageSchema.parse(message);
  if (parsed.type !== 'door.open') return;
  (handle as NetServer).on('connection', (socket: Socket) => http.emit('connection', socket));
});
process.on('disconnect', () => process.exit(0));
process.send?.({ type: 'ready' });
