import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type Patience, patience } from '#http/patience.ts';

/**
 * Bounds in time what HTTP/1.1 connections are bounded in by Node and HTTP/2 sessions are not: a session
 * must open its first stream, a stream must end its request, and a session without streams ends. Frames
 * that keep a connection busy (PING, SETTINGS) count for nothing here.
 */
export function boundSession(
  session: ServerHttp2Session,
  { headersMs, requestMs, keepAliveMs }: Pick<Patience, 'headersMs' | 'requestMs' | 'keepAliveMs'> = patience,
): void {
  let open = 0;
  let idle = setTimeout(() => session.destroy(), headersMs);
  session.once('close', () => clearTimeout(idle));
  session.on('stream', (stream: ServerHttp2Stream, _headers, flags: number) => {
    open += 1;
    clearTimeout(idle);
    const timer =
      (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
        ? undefined
        : setTimeout(() => {
            if (!stream.readableEnded) stream.close(constants.NGHTTP2_CANCEL);
          }, requestMs);
    stream.once('close', () => {
      clearTimeout(timer);
      open -= 1;
      if (open > 0 || session.destroyed) return;
      clearTimeout(idle);
      idle = setTimeout(() => session.close(), keepAliveMs);
    });
  });
}
