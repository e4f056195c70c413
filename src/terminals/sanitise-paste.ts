import { isUtf8 } from 'node:buffer';

/**
 * What a paste may put into a program: text, tabs and line ends (as CR, which is what Enter sends).
 * ESC, the other C0 and C1 controls and DEL are taken out, so that pasted text can neither end
 * bracketed paste nor answer as the terminal would. Undefined when it is not UTF-8.
 */
export function sanitisePaste(bytes: Uint8Array): Buffer | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('utf8')
    .replace(/\r\n|\n/g, '\r')
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, '');
  return Buffer.from(text);
}
