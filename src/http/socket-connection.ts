import type { WebSocket } from '@fastify/websocket';
import type { ViewerConnection } from '#terminals/attach-viewer.ts';

/** Closing code for what is not a binary message (RFC 6455, section 7.4.1). */
const unsupportedData = 1003;

/**
 * A WebSocket as the terminals room sees a viewer. Must be made in the turn in which the socket
 * arrives: it is paused until somebody receives, so that no early frame is lost.
 */
export function socketConnection(socket: WebSocket): ViewerConnection {
  socket.pause();
  const waiting: (() => void)[] = [];
  let buffered = 0;
  const wake = (): void => {
    for (const resume of waiting.splice(0)) resume();
  };
  socket.once('close', wake);
  return {
    send(frame) {
      if (socket.readyState !== socket.OPEN) return;
      buffered += frame.length;
      socket.send(frame, { binary: true, compress: false }, () => {
        buffered -= frame.length;
        wake();
      });
    },
    get bufferedBytes() {
      return socket.readyState === socket.OPEN ? buffered : 0;
    },
    drained: () =>
      buffered === 0 || socket.readyState !== socket.OPEN
        ? Promise.resolve()
        : new Promise((resolve) => void waiting.push(resolve)),
    receive(listener) {
      socket.on('message', (data: Buffer | ArrayBuffer | Buffer[], isBinary: boolean) => {
        if (!isBinary) return socket.close(unsupportedData, 'binary frames only');
        listener(Array.isArray(data) ? Buffer.concat(data) : new Uint8Array(data));
      });
      socket.resume();
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  };
}
