import type { Terminal } from '@xterm/xterm';

/** Sequences that the emulator may answer (xterm's control sequences and its extensions). */
const queries: readonly { prefix?: string; intermediates?: string; final: string }[] = [
  { final: 'c' },
  { prefix: '>', final: 'c' },
  { prefix: '=', final: 'c' },
  { final: 'n' },
  { prefix: '?', final: 'n' },
  { intermediates: '$', final: 'p' },
  { prefix: '?', intermediates: '$', final: 'p' },
  { prefix: '>', final: 'q' },
  { prefix: '?', final: 'u' },
  { final: 't' },
  { final: 'x' },
];
const colourQueries = [4, 10, 11, 12, 52];

/**
 * Tells what the emulator answers apart from what a person does. A query is answered while its
 * bytes are parsed, and no event of a person can come in between, so everything that xterm sends
 * from the query to the end of the task is a reply.
 */
export function watchReplies(terminal: Terminal): () => boolean {
  let answering = false;
  const begin = () => {
    answering = true;
    queueMicrotask(() => {
      answering = false;
    });
    // Not handled here: xterm's own handler is next.
    return false;
  };
  for (const query of queries) terminal.parser.registerCsiHandler(query, begin);
  for (const intermediates of ['$', '+']) terminal.parser.registerDcsHandler({ intermediates, final: 'q' }, begin);
  for (const identifier of colourQueries) terminal.parser.registerOscHandler(identifier, begin);
  terminal.parser.registerEscHandler({ final: 'Z' }, begin);
  return () => answering;
}
