import { Dialog } from '../../ui/dialog.tsx';
import { Keys } from '../../ui/keys.tsx';

const groups: readonly { title: string; rows: readonly [string, readonly string[]][] }[] = [
  {
    title: 'Everywhere',
    rows: [
      ['Go anywhere', ['Mod', 'K']],
      ['Workspaces', ['g', 'w']],
      ['Activity', ['g', 'a']],
      ['Settings', ['g', 's']],
      ['This list', ['?']],
    ],
  },
  {
    title: 'In a terminal',
    rows: [
      ['Search', ['Ctrl', 'Shift', 'F']],
      ['Copy the selection', ['Ctrl', 'Shift', 'C']],
      ['Paste', ['Ctrl', 'Shift', 'V']],
      ['Leave it for the tabs above', ['Ctrl', 'Shift', '↑']],
    ],
  },
  {
    title: 'On the tabs',
    rows: [
      ['The next, the one before', ['→', '←']],
      ['Close or end', ['Delete']],
    ],
  },
  {
    title: 'In the file tree',
    rows: [
      ['Move', ['↑', '↓']],
      ['Open a folder, close it', ['→', '←']],
      ['Show a file', ['Enter']],
    ],
  },
];

/** Every shortcut there is. */
export function ShortcutList({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title="Keyboard shortcuts">
      <div className="flex flex-col gap-5">
        {groups.map(({ title, rows }) => (
          <section key={title}>
            <h3 className="mb-1 text-xs font-medium text-faint">{title}</h3>
            <dl>
              {rows.map(([name, keys]) => (
                <div key={name} className="flex h-8 items-center justify-between border-b border-line last:border-0">
                  <dt className="text-sm">{name}</dt>
                  <dd>
                    <Keys keys={keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
