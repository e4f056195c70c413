/** The version of Landlock that knows TCP ports. */
const knowsPorts = 4;

/** What a server gives up that reaches its database over TCP, in words for the operator. `landlock`: the kernel's version of it. */
export function sharedNetwork(ports: readonly number[], landlock: number): string {
  const shared = "the database is reached over TCP, so the server shares the host's network";
  return landlock >= knowsPorts
    ? `${shared}; Landlock lets it connect to port ${ports.join(', ')} only`
    : `${shared}, and this kernel's Landlock cannot bound where it connects`;
}
