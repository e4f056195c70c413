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
    open: 'The warden starts programs, which is its task: it has a bounded set of capabilities, and no filter of its own, since sandboxes would inherit it.',
  },
  5: {
    title: 'Whoever holds the server commands the warden by ids that belong to a team for good, within maxima of root.',
    open: null,
  },
  6: {
    title: 'Files of a guest belong to uids of its range, and work on them leads to no file of the host.',
    open: 'Disks of sandboxes are nosuid and nodev; a bind mount into a user namespace cannot be made noexec, and programs of guests lie there.',
  },
  7: {
    title: 'The keeper records before anybody sees, appends without being able to read, and outlives the others.',
    open: null,
  },
  8: {
    title: 'What happens is on a chained journal before it happens; a full journal means no; gaps are told.',
    open: null,
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
    open: 'The server has no door of its own yet: nothing of it makes requests. With a database over TCP it shares the network of the host, where Landlock bounds the port alone.',
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
    open: 'There are no snapshots, layers or builds yet.',
  },
  16: {
    title: 'What one team uses up is bounded, and its neighbours go on.',
    open: 'A budget of inotify watches.',
  },
  17: {
    title: 'Root runs only what root alone can change.',
    open: null,
  },
  18: {
    title: 'The server reaches the database by narrow roles, one team at a time, and never as the owner.',
    open: 'The proof is of the team, not of the session, which API keys and work of the server have none of (decision 0025).',
  },
  19: {
    title: 'Our own services are confined by systemd, and keys of one purpose are derived, not shared.',
    open: 'The units of the service are made with the installation as a service.',
  },
};
