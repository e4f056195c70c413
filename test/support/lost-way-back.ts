import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { createNamespaceSockets } from '#warden/network/namespace-sockets.ts';

/**
 * Goes into a network namespace by the warden's own thread, takes the thread's way back, and sends it
 * once more: `lost-way-back.ts none|closed|elsewhere <namespace> <another namespace>`.
 */
const [how, there = '', elsewhere = ''] = process.argv.slice(2);
const sockets = createNamespaceSockets((error) => {
  process.stdout.write(`${error}\n`);
  process.exit(3);
});
const namespace = openSync(there, 'r');
closeSync(await sockets.listen(namespace, 9001));
const home = readlinkSync('/proc/self/ns/net');
const leadsHome = (fd: number): boolean => {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === home;
  } catch {
    return false;
  }
};
const ways = readdirSync('/proc/self/fd').map(Number).filter(leadsHome);
for (const fd of how === 'none' ? [] : ways) {
  closeSync(fd);
  // The lowest number that is free is the one just closed.
  if (how === 'elsewhere' && openSync(elsewhere, 'r') !== fd) process.exit(4);
}
process.stdout.write(`ways ${ways.length}\n`);
await sockets.listen(namespace, 9002);
process.stdout.write('came back\n');
process.exit(0);
