/** Which cell of the database a sealed value belongs to; a value moved to another one does not open. */
export interface SealedPlace {
  readonly table: string;
  readonly column: string;
  readonly rowId: string;
  /** A team's id, or `instance`. */
  readonly team: string;
}

/** Purposes of look-up keys. Each has a key of its own, so that digests of one cannot be compared with another's. */
export const lookupPurposes = ['audit-chain', 'audit-field', 'login-limit', 'request-digest'] as const;
export type LookupPurpose = (typeof lookupPurposes)[number];

export interface Vault {
  /** Encrypts for one cell: `version 1 | key id 4 | salt 32 | iv 12 | ciphertext | tag 16`, 65 bytes more than the plaintext. */
  seal(place: SealedPlace, plaintext: Uint8Array): Buffer;
  /** Decrypts; CasemateError `internal` when it was altered, moved, or sealed under a key that is not here. */
  open(place: SealedPlace, sealed: Uint8Array): Buffer;
  /** True when `sealed` is under another key than the newest. */
  needsReseal(sealed: Uint8Array): boolean;
  /** HMAC-SHA256 (32 bytes) under the purpose's key, which no rotation of the sealing keys changes. */
  lookup(purpose: LookupPurpose, value: string | Uint8Array): Buffer;
}
