import type { AddressInfo } from 'node:net';
import { spawn } from '@lydell/node-pty';
import { WebSocketServer } from 'ws';

/**
 * The floor of the terminal's figures: a shell of the host behind node-pty, its bytes sent as they come to
 * one WebSocket. No sandbox, no sign-in, no recording, no flow control. Tells its parent the port.
 */
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
server.on('connection', (socket) => {
  const terminal = spawn('bash', ['--norc', '--noprofile'], { encoding: null, cols: 120, rows: 40 });
  terminal.onData((bytes: string | Uint8Array) => socket.send(bytes));
  socket.on('message', (text) => terminal.write(text.toString()));
  socket.on('close', () => terminal.kill());
});
server.on('listening', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit(0));
