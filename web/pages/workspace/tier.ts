import type { Tier } from '#contract/warden.ts';

/** What an isolation tier is, without making it more than it is. */
export const tierWords: Record<Tier, { readonly short: string; readonly detail: string }> = {
  crun: {
    short: 'Namespaces (crun)',
    detail:
      'The sandbox shares this machine’s kernel, cut off by namespaces, a user range of its own, cgroups and seccomp. Good for code that you half trust.',
  },
  runsc: {
    short: 'gVisor (runsc)',
    detail:
      'System calls are served by a kernel of the sandbox’s own, in user space. Good for code that you do not trust.',
  },
};
