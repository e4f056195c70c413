import { mkdir } from 'node:fs/promises';
import type { SandboxId, TerminalId, WorkspaceId } from '#base/ids.ts';
import type { WardenConfig } from '#config/process.ts';

/**
 * Where the warden keeps things. Data lies under the state directory (root, 0700). Mounts lie under
 * `/run`, because crun walks to them as the sandbox's own uid: their directory may be passed by all
 * (0711), each sandbox's by that sandbox's group alone (0710).
 */
export interface Layout {
  readonly sandboxes: string;
  readonly disks: string;
  readonly images: string;
  readonly bindingsFile: string;
  readonly rangesFile: string;
  readonly runtimeState: string;
  /** Holds nothing and is root's: the root directory of processes that need none. */
  readonly empty: string;
  readonly mounts: string;
  readonly sandbox: (id: SandboxId) => SandboxPaths;
  readonly disk: (id: WorkspaceId) => DiskPaths;
}

export interface SandboxPaths {
  readonly directory: string;
  readonly record: string;
  readonly scratchImage: string;
  readonly bundle: string;
  readonly runtimeLog: string;
  readonly terminals: string;
  readonly terminal: (id: TerminalId) => string;
  readonly mounts: string;
  readonly lower: string;
  readonly scratch: string;
  readonly root: string;
  /** The workspace's disk, while a sandbox uses it. */
  readonly disk: string;
}

export interface DiskPaths {
  readonly directory: string;
  readonly record: string;
  readonly image: string;
}

/** Names every path of this instance; makes nothing. */
export function layoutOf(config: WardenConfig): Layout {
  const state = config.stateDirectory;
  const mounts = `/run/casemate-${config.instance}`;
  return {
    sandboxes: `${state}/sandboxes`,
    disks: `${state}/disks`,
    images: `${state}/images`,
    bindingsFile: `${state}/ranges/bindings.jsonl`,
    rangesFile: `${state}/ranges/ranges.json`,
    runtimeState: `${state}/runtime`,
    empty: `${state}/empty`,
    mounts,
    sandbox: (id) => {
      const directory = `${state}/sandboxes/${id}`;
      return {
        directory,
        record: `${directory}/sandbox.json`,
        scratchImage: `${directory}/scratch.ext4`,
        bundle: `${directory}/bundle`,
        runtimeLog: `${directory}/runtime.log`,
        terminals: `${directory}/terminals`,
        terminal: (terminal) => `${directory}/terminals/${terminal}.json`,
        mounts: `${mounts}/${id}`,
        lower: `${mounts}/${id}/lower`,
        scratch: `${mounts}/${id}/scratch`,
        root: `${mounts}/${id}/root`,
        disk: `${mounts}/${id}/disk`,
      };
    },
    disk: (id) => ({
      directory: `${state}/disks/${id}`,
      record: `${state}/disks/${id}/disk.json`,
      image: `${state}/disks/${id}/disk.ext4`,
    }),
  };
}

/** Makes the directories that hold data. */
export async function makeLayout(layout: Layout): Promise<void> {
  const directories = [layout.sandboxes, layout.disks, layout.images, layout.runtimeState];
  for (const directory of [...directories, layout.bindingsFile.replace(/\/[^/]+$/, '')]) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  }
  await mkdir(layout.empty, { recursive: true, mode: 0o555 });
}
