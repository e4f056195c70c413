/**
 * The file of a recording, written by the keeper, which cannot read it back; read with the
 * recording's private key; verified without any key. Numbers are big-endian.
 *
 * ```text
 * file   = header chunk*
 * header = "CMREC\0\0\1" (8) | terminal id (20, ASCII) | team id (20, ASCII)
 *        | recording public key (32) | created ms u64
 * chunk  = head | ciphertext | tag (16) | hash (32)
 * head   = "CMCK" (4) | kind u8 | sequence u32 | offset u64 | plaintext length u32
 *        | output length u32 | time ms u64 | ephemeral public key (32)
 * hash   = SHA-256(previous hash | head | ciphertext | tag); the first previous hash is SHA-256(header)
 * ```
 *
 * The key of a chunk is HKDF-SHA256(X25519(ephemeral, recording), salt = ephemeral public key ‖
 * recording public key, info = "casemate recording chunk v1" ‖ head), 44 bytes: AES-256-GCM key and
 * 96-bit nonce; the head is also the AAD.
 *
 * Plaintext of an output chunk: u16 count, then count × (u32 milliseconds after `time`, u32 bytes),
 * then the bytes. Of a resize: u16 columns, u16 rows. Of an exit: i32 code (-1 unknown), then the
 * signal's name in ASCII. `offset` is the absolute offset of the terminal's output at that chunk,
 * and `output length` how many output bytes it holds (0 for other kinds): so the keeper, which cannot
 * read, knows after a restart where the sealed output ends, and anyone can check that none is missing.
 * Sequences begin at 0.
 */
export const recordingMagic = 'CMREC\0\0\u0001';
export const chunkMagic = 'CMCK';
export const chunkKinds = { output: 1, resize: 2, exit: 3 } as const;
export const recordingHeaderBytes = 8 + 20 + 20 + 32 + 8;
export const chunkHeadBytes = 4 + 1 + 4 + 8 + 4 + 4 + 8 + 32;
export const chunkTagBytes = 16;
export const chunkHashBytes = 32;
export const chunkKeyLabel = 'casemate recording chunk v1';
/** Output bytes of one chunk at most. */
export const maximumChunkOutputBytes = 65_536;
