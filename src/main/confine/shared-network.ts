/** The version of Landlock that knows TCP ports. */
const knowsPorts = 4;

/** What a server gives up that reaches its database over TCP, in words for the operator. `landlock`: the kernel's version of it, null where it is not used. */
export function sharedNetwork(ports: readonly number[], landlock: number | null): string {
  const shared = "the database is reached over TCP, so the server shares the host's network";
  if (landlock === null) return `${shared}, and its unit does not bound where it connects`;
  return landlock >= knowsPorts
    ? `${shared}; Landlock lets it connect to port ${ports.join(', ')} only`
    : `${shared}, and this kernel's Landlock cannot bound where it connects`;
}
