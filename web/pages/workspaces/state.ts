import type { Workspace } from '#contract/api.ts';
import type { Tone } from '../../ui/status.tsx';

interface StateView {
  readonly word: string;
  readonly tone: Tone;
  readonly live: boolean;
}

/** A workspace's state in one word; the sandbox speaks once the files are there. */
export function stateOf(workspace: Pick<Workspace, 'state' | 'sandbox'>): StateView {
  switch (workspace.state) {
    case 'creating':
      return { word: 'Creating', tone: 'accent', live: true };
    case 'cloning':
      return { word: 'Cloning', tone: 'accent', live: true };
    case 'failed':
      return { word: 'Failed', tone: 'bad', live: false };
    case 'deleted':
      return { word: 'Deleted', tone: 'idle', live: false };
    case 'ready':
      break;
  }
  switch (workspace.sandbox?.state) {
    case 'running':
      return { word: 'Running', tone: 'good', live: false };
    case 'starting':
      return { word: 'Starting', tone: 'accent', live: true };
    case 'stopping':
      return { word: 'Stopping', tone: 'warn', live: true };
    case 'frozen':
      return { word: 'Frozen', tone: 'warn', live: false };
    case undefined:
      return { word: 'Stopped', tone: 'idle', live: false };
  }
}

export const policyNames = { coding: 'Coding', closed: 'Closed', custom: 'Custom' } as const;
