import { sign } from 'node:crypto';
import { type Checkpoint, type CheckpointHead, checkpointText } from '#contract/checkpoint.ts';
import { openAnchors } from '#main/signer/anchors.ts';
import { loadSigningKey } from '#main/signer/signing-key.ts';

/** Why a head got no signature. The first two mean that somebody rewrites the trail. */
export type Refusal = 'it is before one that was signed' | 'another one was signed in its place' | 'it cannot be kept';

export type SignerAnswer =
  | { readonly signed: Checkpoint; readonly refused?: never }
  | { readonly refused: Refusal; readonly signed?: never };

/** Signs heads of audit chains, each only if the chain has grown since (H8). */
export interface Signer extends Disposable {
  sign(head: CheckpointHead): SignerAnswer;
}

export interface SignerOptions {
  /** Root's, 0700: the key, the public keys, the anchors. */
  readonly directory: string;
  readonly now: () => number;
  /** Tells the operator of a head that does not grow, and of what cannot be written. */
  readonly alarm: (text: string) => void;
}

/** Opens the signer. What it signs is on the disk, in the anchors, before it answers. */
export function openSigner({ directory, now, alarm }: SignerOptions): Signer {
  const key = loadSigningKey(directory);
  const anchors = openAnchors(directory);

  const refuse = (head: CheckpointHead, refused: Refusal): SignerAnswer => {
    alarm(`record ${head.sequence} of the audit chain ${head.chain} was not signed: ${refused}`);
    return { refused };
  };

  return {
    sign(head) {
      const last = anchors.newest.get(head.chain);
      if (last && head.sequence < last.sequence) return refuse(head, 'it is before one that was signed');
      if (last && head.sequence === last.sequence) {
        return head.hash === last.hash ? { signed: last } : refuse(head, 'another one was signed in its place');
      }
      const unsigned = { version: 1, ...head, time: new Date(now()).toISOString(), keyId: key.id } as const;
      const signature = sign(null, Buffer.from(checkpointText(unsigned)), key.privateKey).toString('base64');
      const signed = { ...unsigned, signature };
      try {
        anchors.add(signed);
      } catch (error) {
        if (!['ENOSPC', 'EDQUOT', 'EIO'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
        return refuse(head, 'it cannot be kept');
      }
      return { signed };
    },
    [Symbol.dispose]: () => anchors[Symbol.dispose](),
  };
}
