/**
 * Binary frames of a terminal's WebSocket. The first byte is the kind; numbers are big-endian.
 *
 * | from | kind | body |
 * | --- | --- | --- |
 * | browser | key | UTF-8 of what was typed |
 * | browser | paste | UTF-8 of what was pasted; control characters are stripped by the server |
 * | browser | reply | what the terminal emulator answers to queries; accepted from the driver only |
 * | browser | resize | u16 columns, u16 rows |
 * | browser | acknowledge | u64 offset up to which the screen was drawn |
 * | browser | ping | u32 token |
 * | server | output | u64 absolute offset of the first byte, bytes |
 * | server | size | u16 columns, u16 rows |
 * | server | pong | u32 token |
 * | server | ended | JSON `{ exitCode, signal }` |
 * | server | notice | JSON `{ code, message }` |
 * | server | role | u8: 1 when this viewer answers queries |
 * | server | start | u64 offset at which the server begins, because the asked one is gone or was not given |
 * | server | live | u64 offset from which queries are still to be answered; once a connection, after all output before it |
 */
export const terminalFrames = {
  key: 0x01,
  paste: 0x02,
  reply: 0x03,
  resize: 0x04,
  acknowledge: 0x05,
  ping: 0x06,
  output: 0x81,
  size: 0x82,
  pong: 0x83,
  ended: 0x84,
  notice: 0x85,
  role: 0x86,
  start: 0x87,
  live: 0x88,
} as const;

/** A browser's frame above this closes the socket (1009). */
export const maximumInputFrameBytes = 65_536;
/** Output bytes that may be sent beyond the last acknowledged offset of a viewer. */
export const viewerWindowBytes = 1_048_576;

export type BrowserFrame =
  | { readonly kind: 'key' | 'paste' | 'reply'; readonly bytes: Uint8Array }
  | { readonly kind: 'resize'; readonly columns: number; readonly rows: number }
  | { readonly kind: 'acknowledge'; readonly offset: number }
  | { readonly kind: 'ping'; readonly token: number };

export type ServerFrame =
  | { readonly kind: 'output'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'size'; readonly columns: number; readonly rows: number }
  | { readonly kind: 'pong'; readonly token: number }
  | { readonly kind: 'ended'; readonly exitCode: number | null; readonly signal: string | null }
  | { readonly kind: 'notice'; readonly code: string; readonly message: string }
  | { readonly kind: 'role'; readonly answersQueries: boolean }
  | { readonly kind: 'start'; readonly offset: number }
  | { readonly kind: 'live'; readonly offset: number };
