/** A 256-bit key encryption key and the number by which sealed values name it. */
export interface VaultKey {
  /** 1 to 4,294,967,295. The greatest is the newest. */
  readonly id: number;
  readonly bytes: Uint8Array;
}

export interface VaultKeys {
  /** At least one. */
  readonly sealing: readonly VaultKey[];
  /** 32 bytes: the root of look-up keys. */
  readonly lookup: Uint8Array;
}

/** Where keys come from: never the database or its backups. */
export interface KeyProvider {
  /** Says in words where the keys are, for messages. */
  readonly source: string;
  load(): Promise<VaultKeys>;
}
