import { readdirSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '#channel/log.ts';
import type { DiskSize, makeDiskImage } from '#warden/disk/disk-image.ts';

/**
 * Empty disk images made before they are asked for: a copy takes longer than all other work on a
 * disk. They belong to nobody until one is moved to where its sandbox or workspace wants it.
 */
export interface ImageStock extends AsyncDisposable {
  /** Makes the image `file`, from the stock if it has one of that size. */
  make(file: string, size: DiskSize): Promise<void>;
  /** Fills up with the sizes last asked for, a moment from now: whoever has a sandbox now runs something in it. */
  refill(): void;
}

/** A new workspace takes two: its own and the scratch disk of its sandbox. */
const ofEachSize = 2;
const refillAfterMs = 150;
const sizesKept = 2;
const spareName = /\.spare-\d+(\.new)?$/;

export interface ImageStockOptions {
  /** Holds the originals too. */
  readonly images: string;
  /** Makes an image of a size from its original. */
  readonly makeImage: typeof makeDiskImage;
  /** Throws when the store has too little room left for what nobody has asked for. */
  readonly requireRoom: () => Promise<void>;
  readonly log: Log;
}

/** Opens the stock. What an earlier one left may be half written, and goes. */
export function createImageStock({ images, makeImage, requireRoom, log }: ImageStockOptions): ImageStock {
  for (const name of readdirSync(images)) if (spareName.test(name)) rmSync(`${images}/${name}`);
  /** The sizes last asked for, the newest last. */
  const wanted = new Map<string, { readonly size: DiskSize; readonly spares: string[] }>();
  let serial = 0;
  let filling: Promise<void> | undefined;
  const closing = new AbortController();

  const want = (size: DiskSize): string[] => {
    const key = `${size.diskMiB}-${size.inodes}`;
    const spares = wanted.get(key)?.spares ?? [];
    wanted.delete(key);
    wanted.set(key, { size, spares });
    for (const [oldest, { spares: useless }] of wanted) {
      if (wanted.size <= sizesKept) break;
      wanted.delete(oldest);
      for (const file of useless) rmSync(file, { force: true });
    }
    return spares;
  };

  const addOne = async (key: string, size: DiskSize): Promise<void> => {
    serial += 1;
    const file = `${images}/${key}.spare-${serial}`;
    await requireRoom();
    await makeImage(images, file, size);
    const handle = await open(file, 'r');
    try {
      await handle.datasync();
    } finally {
      await handle.close();
    }
    const still = wanted.get(key);
    if (still && !closing.signal.aborted) still.spares.push(file);
    else rmSync(file, { force: true });
  };

  const fill = async (): Promise<void> => {
    for (;;) {
      const [key, short] = [...wanted].findLast(([, { spares }]) => spares.length < ofEachSize) ?? [];
      if (key === undefined || short === undefined || closing.signal.aborted) return;
      await addOne(key, short.size);
    }
  };

  return {
    async make(file, size) {
      const spare = want(size).pop();
      if (spare === undefined) await makeImage(images, file, size);
      else renameSync(spare, file);
    },
    refill() {
      filling ??= sleep(refillAfterMs, undefined, { signal: closing.signal })
        .then(fill)
        .catch((error: unknown) => {
          if (closing.signal.aborted) return;
          log.warn({ err: error }, 'no spare disk could be made; the next start takes longer');
        })
        .finally(() => {
          filling = undefined;
        });
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await filling;
      for (const { spares } of wanted.values()) for (const file of spares) rmSync(file, { force: true });
      wanted.clear();
    },
  };
}
