import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TerminalSize } from '#contract/common.ts';
import { ViewedTerminal, type Viewer } from '#terminals/viewed-terminal.ts';

const makeViewer = (drives = true) => {
  const roles: boolean[] = [];
  const sizes: TerminalSize[] = [];
  const viewer: Viewer = {
    drives,
    size: null,
    onRole: (role) => void roles.push(role),
    onSize: (size) => void sizes.push(size),
  };
  return { viewer, roles, sizes };
};
const size = { columns: 80, rows: 24 };

test('at every moment at most one viewer answers queries, and it may drive', () => {
  const terminal = new ViewedTerminal(size, () => undefined);
  const watcher = makeViewer(false);
  const first = makeViewer();
  const second = makeViewer();
  for (const { viewer } of [watcher, first, second]) terminal.join(viewer);
  terminal.typed(watcher.viewer);
  assert.deepEqual([watcher.roles, first.roles, second.roles], [[false], [true], [false]]);
  terminal.typed(second.viewer);
  terminal.typed(second.viewer);
  assert.deepEqual(
    [first.roles, second.roles],
    [
      [true, false],
      [false, true],
    ],
  );
  terminal.leave(second.viewer);
  assert.deepEqual(first.roles, [true, false, true]);
  terminal.leave(first.viewer);
  assert.ok(!terminal.isDriver(watcher.viewer));
});

test('the size is the driver’s: others’ is remembered until they drive', () => {
  const applied: TerminalSize[] = [];
  const terminal = new ViewedTerminal(size, (next) => void applied.push(next));
  const first = makeViewer();
  const second = makeViewer();
  terminal.join(first.viewer);
  terminal.join(second.viewer);
  terminal.wants(second.viewer, { columns: 40, rows: 10 });
  assert.deepEqual(applied, []);
  terminal.wants(first.viewer, size);
  assert.deepEqual(applied, []);
  terminal.typed(second.viewer);
  assert.deepEqual(applied, [{ columns: 40, rows: 10 }]);
  assert.deepEqual(first.sizes.at(-1), { columns: 40, rows: 10 });
});

test('an exit is told to who waits for it, before or after', async () => {
  const terminal = new ViewedTerminal(size, () => undefined);
  const waiting = terminal.exitWithin(5000);
  terminal.ended({ exitCode: 3, signal: null });
  assert.deepEqual(await waiting, { exitCode: 3, signal: null });
  assert.deepEqual(await terminal.exitWithin(5000), { exitCode: 3, signal: null });
});
