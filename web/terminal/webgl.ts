import { WebglAddon } from '@xterm/addon-webgl';
import type { Terminal } from '@xterm/xterm';

/**
 * Draws with WebGL where it can, and with elements where it cannot. Browsers keep few WebGL contexts,
 * so a terminal that is not seen gives its one back.
 */
export function watchWebgl(terminal: Terminal): { use(wanted: boolean): void } {
  let addon: WebglAddon | null = null;
  let possible = true;
  const drop = () => {
    addon?.dispose();
    addon = null;
  };
  return {
    use(wanted) {
      if (!wanted) drop();
      if (!wanted || !possible || addon) return;
      try {
        const made = new WebglAddon();
        made.onContextLoss(drop);
        terminal.loadAddon(made);
        addon = made;
      } catch {
        // No WebGL here: xterm.js goes on with elements.
        possible = false;
      }
    },
  };
}
