import type { TenantScope } from '#database/tenant-scope.ts';
import type { TerminalSize } from '#contract/common.ts';
import { updateTerminal } from '#database/workspaces/terminal-store.ts';
import type { TerminalContext, TerminalKey } from '#terminals/terminal-context.ts';

const writeAfterMs = 1000;

/** Gives a terminal its size: the program hears at once, the row when the window has come to rest. */
export function createResizer(
  context: TerminalContext,
  terminal: TerminalKey,
  scope: TenantScope,
): (size: TerminalSize) => void {
  let wanted: TerminalSize | null = null;
  let busy = false;
  let timer: NodeJS.Timeout | undefined;

  const apply = async (): Promise<void> => {
    while (wanted) {
      const size = wanted;
      wanted = null;
      await context.keeper.call('terminal.resize', { terminalId: terminal.terminalId, size });
    }
  };
  const write = (size: TerminalSize): void => {
    context.database
      .withTenant(scope, (tx) => updateTerminal(tx, terminal.terminalId, size))
      .catch((error: unknown) => context.log.warn({ err: error }, 'the size of a terminal was not written down'));
  };

  return (size) => {
    clearTimeout(timer);
    timer = setTimeout(() => write(size), writeAfterMs);
    timer.unref();
    wanted = size;
    if (busy) return;
    busy = true;
    apply()
      .catch((error: unknown) => context.log.warn({ err: error }, 'a terminal could not be resized'))
      .finally(() => {
        busy = false;
      });
  };
}
