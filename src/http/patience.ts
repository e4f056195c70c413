export type Patience = Readonly<
  Record<'headersMs' | 'requestMs' | 'connectionMs' | 'keepAliveMs' | 'checkingMs', number>
>;

/** How long whoever connects is waited for, in milliseconds; the same over HTTP/1.1 and HTTP/2. */
export const patience: Patience = {
  /** From the connection to the end of a TLS handshake, and of a request's headers. */
  headersMs: 20_000,
  /** To the end of a request's body. */
  requestMs: 60_000,
  /** Nothing was read or written. */
  connectionMs: 120_000,
  /** Between requests. */
  keepAliveMs: 65_000,
  /** How often the above are looked at. */
  checkingMs: 5_000,
};
