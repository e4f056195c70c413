import { pino } from 'pino';

/** Lines that wait for a disk with room, in memory; what is more is dropped. */
const heldBytes = 1_048_576;

/**
 * Where a process writes its log, its standard output if no descriptor is named. A disk that is full or broken
 * must not end the process: lines wait, and are written with the next one that can be.
 */
export function logDestination(fd = 1): ReturnType<typeof pino.destination> {
  const destination = pino.destination({ fd, sync: true, maxLength: heldBytes });
  // There is nowhere else to tell it. Without a listener the failure would be an uncaught exception.
  destination.on('error', () => undefined);
  return destination;
}
