import type { Stall } from '#contract/keeper.ts';
import type { ServerFrame } from '#contract/terminal.ts';

const messages: Readonly<Record<Stall, { readonly code: string; readonly message: string }>> = {
  rate: {
    code: 'rate_limited',
    message:
      'The terminals of the team print faster than they may for long. Programs are slowed down; nothing is lost.',
  },
  budget: {
    code: 'quota_exceeded',
    message:
      'The recordings of the team fill their budget. Programs wait, and go on when the operator makes room; nothing is lost.',
  },
  reserve: {
    code: 'no_space',
    message: 'The server has too little free disk space. Programs wait until there is more; nothing is lost.',
  },
  disk: {
    code: 'no_space',
    message: 'The recording of this terminal cannot be written. Its program waits until it can; nothing is lost.',
  },
};

/** What viewers are told when the program has to wait, and with null when it goes on. */
export function stallNotice(stall: Stall | null): Extract<ServerFrame, { kind: 'notice' }> {
  if (stall === null) return { kind: 'notice', code: 'resumed', message: 'The program goes on.' };
  return { kind: 'notice', ...messages[stall] };
}
