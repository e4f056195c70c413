/** An item of the hardening list, in our own words. */
export interface HardeningItem {
  readonly title: string;
  /** What is required and does not stand yet, or is not proven; null when nothing is known to lack. */
  readonly open: string | null;
}

/**
 * H1–H19. Tests carry the number at the beginning of their names; `docs/reference/hardening.md` lists
 * them by item. An item without a test must say in `open` why (docs/decisions/0009).
 */
export const hardeningItems: Readonly<Record<number, HardeningItem>> = {
  1: {
    title:
      'No descriptor of ours reaches a sandbox, programs start from a generated process file, and a working directory is resolved before the runtime sees it.',
    open: null,
  },
  2: {
    title: 'One thread alone enters foreign network namespaces, and it is always back before anything else happens.',
    open: null,
  },
  3: {
    title: 'A gVisor that is older than twelve months is never called fit for hostile code.',
    open: 'No tier of gVisor is offered: the one of the distribution does not hold what is asked of it (decision 0023).',
  },
  4: {
    title: 'The processes that face the network and the guests can start no program, on any thread.',
    open: 'The keeper starts holders and has no such filter; server and broker see the files of the host, without a mount namespace of their own.',
  },
  5: {
    title: 'Whoever holds the server commands the warden by ids that belong to a team for good, within maxima of root.',
    open: 'An alert for a command that has no audit row.',
  },
  6: {
    title: 'Files of a guest belong to uids of its range, and work on them leads to no file of the host.',
    open: 'File work happens on a thread of the warden, not in a process of its own.',
  },
  7: {
    title: 'The keeper records before anybody sees, appends without being able to read, and outlives the others.',
    open: null,
  },
  8: {
    title: 'What happens is on a chained journal before it happens; a full journal means no; gaps are told.',
    open: 'Journals are not preallocated, and there are no signed checkpoints.',
  },
  9: {
    title: 'The stop works when the parts that it stops do not.',
    open: 'The second socket for lockdown and thaw, and the latch, come with lockdown itself; what is proven is that the end of a sandbox comes to a frozen one.',
  },
  10: {
    title: 'Bytes that are not ours never get the origin of the app, and hosts that nobody named are not answered.',
    open: 'Previews and signed URLs do not exist yet.',
  },
  11: {
    title: 'Secrets are sealed when they are written and added outside; a sandbox never holds one.',
    open: 'The second form, interception for listed hosts, does not exist yet.',
  },
  12: {
    title: 'Outgoing TLS is always verified, and requests of the server go the guarded way.',
    open: "The server makes no outgoing connection yet, so the broker's door for it does not exist; the server is on the network of the host.",
  },
  13: {
    title: 'Policy decides by name, then the address itself is judged, and the judged address is the one dialled.',
    open: null,
  },
  14: {
    title: 'A short list is all that the kernel offers to a sandbox, to root inside as well.',
    open: null,
  },
  15: {
    title: 'Tools read hostile content inside a sandbox only.',
    open: 'There are no snapshots, layers or builds yet; that git runs inside only follows from there being no git outside, and has no test of its own.',
  },
  16: {
    title: 'What one team uses up is bounded, and its neighbours go on.',
    open: 'Byte budgets per team for recordings, and a budget for inotify.',
  },
  17: {
    title: 'Root runs only what root alone can change.',
    open: null,
  },
  18: {
    title: 'The server reaches the database by narrow roles, one team at a time, and never as the owner.',
    open: 'The context of a transaction is a team id, not a proof of the session.',
  },
  19: {
    title: 'Our own services are confined by systemd, and keys of one purpose are derived, not shared.',
    open: 'The units of the service are made with the installation as a service.',
  },
};
