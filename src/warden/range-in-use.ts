import { existsSync, readdirSync, readFileSync } from 'node:fs';

/**
 * True while anything lives that has one of `count` ids from `first`: a process by any of its ids or
 * groups, a key or keyring of the kernel, or the file system of `image`, which may be mounted where
 * nobody looks any more (H6). `proc` and `block` are where the kernel says so.
 */
export function rangeInUse(
  { first, count }: { readonly first: number; readonly count: number },
  image: string,
  proc = '/proc',
  block = '/sys/block',
): boolean {
  const inRange = (id: number): boolean => id >= first && id < first + count;
  return processHas(inRange, proc) || keyHas(inRange, proc) || isAttached(image, block);
}

function processHas(inRange: (id: number) => boolean, proc: string): boolean {
  return readdirSync(proc).some((name) => {
    if (!/^\d+$/.test(name)) return false;
    const status = textOf(`${proc}/${name}/status`);
    // A zombie without threads can do nothing any more; it waits for its parent, which may be the host's init.
    if (/^State:\tZ/m.test(status) && /^Threads:\t[01]$/m.test(status)) return false;
    return [...status.matchAll(/^(?:Uid|Gid|Groups):[ \t]*(.*)$/gm)].some(([, ids = '']) =>
      ids.split(/\s+/).filter(Boolean).map(Number).some(inRange),
    );
  });
}

/** /proc/key-users has a line for each uid that has a key, those of others too (keyrings(7)). */
function keyHas(inRange: (id: number) => boolean, proc: string): boolean {
  // A kernel without keys has no such file.
  if (!existsSync(`${proc}/key-users`)) return false;
  return [...textOf(`${proc}/key-users`).matchAll(/^\s*(\d+):/gm)].some(([, uid]) => inRange(Number(uid)));
}

/** The end of an image's path holds its owner's id, which is nobody else's. The kernel marks a deleted one. */
function isAttached(image: string, block: string): boolean {
  const end = `/${image.split('/').slice(-3).join('/')}`;
  return readdirSync(block).some((name) => {
    if (!/^loop\d+$/.test(name)) return false;
    return textOf(`${block}/${name}/loop/backing_file`)
      .trimEnd()
      .replace(/ \(deleted\)$/, '')
      .endsWith(end);
  });
}

/** Empty when it has gone meanwhile, or never was. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'ENXIO' || code === 'ENODEV') return '';
    throw error;
  }
}
