/** What the first bytes of a tunnel are. */
export type FirstBytes =
  | { readonly kind: 'more' }
  | { readonly kind: 'plain' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'hello'; readonly serverName: string | null; readonly encrypted: boolean };

/** A hello with post-quantum key shares has about 2 KiB; a longer one than this is refused. */
export const maximumHelloBytes = 16_384;

const handshakeRecord = 22;
const clientHello = 1;
const extensionServerName = 0;
/** encrypted_client_hello and its forerunner: the true server name cannot be seen. */
const extensionsEncrypted: ReadonlySet<number> = new Set([0xfe0d, 0xffce]);

/**
 * Reads a TLS ClientHello (RFC 8446 §4.1.2) from the first bytes of a connection, over as many records
 * as it takes. Bytes that do not begin with a handshake record are `plain`; a hello that breaks the
 * grammar in any way, names a server twice or is too long is `malformed`.
 */
export function readFirstBytes(bytes: Uint8Array): FirstBytes {
  if (bytes.length === 0) return { kind: 'more' };
  if (bytes[0] !== handshakeRecord) return { kind: 'plain' };
  try {
    const message = handshakeMessage(bytes);
    return message ? parseHello(new Cursor(message)) : { kind: 'more' };
  } catch (error) {
    if (error instanceof RangeError) return { kind: 'malformed' };
    throw error;
  }
}

/** The body of the first handshake message, undefined while bytes are missing. */
function handshakeMessage(bytes: Uint8Array): Uint8Array | undefined {
  const fragments: number[] = [];
  let at = 0;
  for (;;) {
    const records = new Cursor(bytes.subarray(at));
    if (records.left < 5) return undefined;
    if (records.u8() !== handshakeRecord || records.u8() !== 3) throw new RangeError('record');
    records.u8();
    const length = records.u16();
    if (length === 0 || length > maximumHelloBytes) throw new RangeError('record length');
    const partial = records.left < length;
    fragments.push(...records.take(Math.min(length, records.left)));
    if (fragments.length >= 4) {
      const header = new Cursor(Uint8Array.from(fragments.slice(0, 4)));
      if (header.u8() !== clientHello) throw new RangeError('not a hello');
      const size = header.u24();
      if (size > maximumHelloBytes) throw new RangeError('too long');
      // Nothing may follow the hello before the server answers, so its record ends with it.
      if (!partial && fragments.length > size + 4) throw new RangeError('trailing message');
      if (!partial && fragments.length === size + 4) return Uint8Array.from(fragments.slice(4));
    }
    if (partial) return undefined;
    at += 5 + length;
  }
}

function parseHello(hello: Cursor): FirstBytes {
  if (hello.u8() !== 3) throw new RangeError('version');
  hello.u8();
  hello.take(32);
  if (hello.block(hello.u8()).left > 32) throw new RangeError('session id');
  const suites = hello.block(hello.u16()).left;
  if (suites < 2 || suites % 2 !== 0) throw new RangeError('cipher suites');
  if (hello.block(hello.u8()).left < 1) throw new RangeError('compression methods');
  if (hello.left === 0) return { kind: 'hello', serverName: null, encrypted: false };
  const extensions = hello.block(hello.u16());
  hello.end();
  const seen = new Set<number>();
  let serverName: string | null = null;
  let encrypted = false;
  while (extensions.left > 0) {
    const type = extensions.u16();
    const body = extensions.block(extensions.u16());
    if (seen.has(type)) throw new RangeError('extension twice');
    seen.add(type);
    if (type === extensionServerName) serverName = parseServerName(body);
    if (extensionsEncrypted.has(type)) encrypted = true;
  }
  return { kind: 'hello', serverName, encrypted };
}

/** RFC 6066 §3: a list that holds one host_name. */
function parseServerName(body: Cursor): string {
  const list = body.block(body.u16());
  body.end();
  if (list.u8() !== 0) throw new RangeError('name type');
  const name = list.block(list.u16());
  list.end();
  if (name.left === 0 || name.left > 255) throw new RangeError('name length');
  const text = String.fromCharCode(...name.take(name.left));
  if (!/^[\x21-\x7e]+$/.test(text)) throw new RangeError('name');
  return text;
}

/** Reads big-endian numbers and blocks; a read past the end throws RangeError. */
class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Uint8Array {
    if (length > this.left) throw new RangeError('past the end');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  block(length: number): Cursor {
    return new Cursor(this.take(length));
  }

  u8(): number {
    return this.take(1)[0] ?? 0;
  }

  u16(): number {
    return this.u8() * 256 + this.u8();
  }

  u24(): number {
    return this.u16() * 256 + this.u8();
  }

  end(): void {
    if (this.left > 0) throw new RangeError('trailing bytes');
  }
}
