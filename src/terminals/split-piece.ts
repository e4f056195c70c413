import type { OutputPiece } from '#terminals/terminal-output.ts';

/** `piece` in two when absolute offset `at` lies inside it, so that one of them ends there; else as it is. */
export function splitPiece(piece: OutputPiece, at: number): readonly OutputPiece[] {
  const length = at - piece.offset;
  if (length <= 0 || length >= piece.bytes.length) return [piece];
  return [
    { offset: piece.offset, bytes: piece.bytes.subarray(0, length) },
    { offset: at, bytes: piece.bytes.subarray(length) },
  ];
}
