import { connect } from 'node:net';

/** Sends exact bytes to a port of the loopback and returns all that comes back until the other side ends. */
export async function rawRequest(port: number, bytes: string | Uint8Array, patienceMs = 3000): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  socket.setTimeout(patienceMs, () => socket.destroy());
  socket.write(bytes);
  // Not `once`, which rejects on an error: a reset is an end like any other here.
  await new Promise<void>((resolve) => socket.on('close', () => resolve()));
  return answer;
}
