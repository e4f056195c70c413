/** What people know as the product's own port. */
const usualPort = 3014;

/**
 * The port that `ssh -L` opens on a person's own machine for one of this machine's: the same, so that
 * links stay as they are, unless only root could open it there. The app answers for both (RFC 9110, 7.2).
 */
export const tunnelPort = (port: number): number => (port < 1024 ? usualPort : port);

/** What to type on one's own machine to reach a port of this one. */
export const tunnelCommand = (port: number, login: string): string =>
  `ssh -L ${tunnelPort(port)}:localhost:${port} ${login}`;
