import { lazy, Suspense, useCallback, useRef, useState } from 'react';
import type { Workspace } from '#contract/api.ts';
import { useCan } from '../../api/session.ts';
import { classNames } from '../../ui/class-names.ts';
import { narrowQuery, phoneQuery, useMedia } from '../../ui/media.ts';
import { parseBoolean, parseNumber, usePreference } from '../../ui/preference.ts';
import { Sheet } from '../../ui/sheet.tsx';
import { Splitter } from '../../ui/splitter.tsx';
import { FilePanel } from './file-panel.tsx';
import { WorkspaceHeader } from './header.tsx';
import { NetworkPanel } from './network-panel.tsx';
import { PhoneDock } from './phone-dock.tsx';
import { StartPanel } from './start-panel.tsx';
import { TabBar, tabId } from './tab-bar.tsx';
import { useTabs } from './tabs.ts';

const TerminalPane = lazy(() =>
  import('../../terminal/terminal-pane.tsx').then(({ TerminalPane: component }) => ({ default: component })),
);
const FileView = lazy(() => import('./file-view.tsx').then(({ FileView: component }) => ({ default: component })));

interface WorkbenchProps {
  readonly workspace: Workspace;
  readonly live: boolean;
}

/** Files on the left, terminals and files in the middle, what left on the right; sheets where it is narrow. */
export function Workbench({ workspace, live }: WorkbenchProps) {
  const phone = useMedia(phoneQuery);
  const narrow = useMedia(narrowQuery);
  const [filesShown, setFilesShown] = usePreference('panel.files', true, parseBoolean);
  const [networkShown, setNetworkShown] = usePreference('panel.network', true, parseBoolean);
  const [filesWidth, setFilesWidth] = usePreference('panel.files.width', 248, parseNumber);
  const [sheet, setSheet] = useState<'files' | 'network' | null>(null);
  const tabs = useTabs(workspace.id);
  const tabList = useRef<HTMLDivElement>(null);
  const mayDrive = useCan()('terminal:drive');

  const toTabs = useCallback(
    () => tabList.current?.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus(),
    [],
  );
  const openFile = (path: string) => {
    tabs.openFile(path);
    setSheet(null);
  };
  const files = (
    <FilePanel
      workspace={workspace}
      selected={tabs.active.kind === 'file' ? tabs.active.path : null}
      onOpen={openFile}
    />
  );
  const network = <NetworkPanel workspace={workspace} live={live} />;
  const filesBeside = !phone && filesShown;
  const networkBeside = !narrow && networkShown;

  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <WorkspaceHeader
        workspace={workspace}
        filesPressed={phone ? sheet === 'files' : filesShown}
        networkPressed={narrow ? sheet === 'network' : networkShown}
        onFiles={() => (phone ? setSheet('files') : setFilesShown(!filesShown))}
        onNetwork={() => (narrow ? setSheet('network') : setNetworkShown(!networkShown))}
      />
      <div className="flex min-h-0 flex-1">
        {filesBeside && (
          <>
            <aside
              aria-label="Files"
              className="flex min-h-0 shrink-0 flex-col bg-surface"
              style={{ width: Math.min(480, Math.max(180, filesWidth)) }}
            >
              {files}
            </aside>
            <Splitter
              label="Width of the files"
              value={filesWidth}
              minimum={180}
              maximum={480}
              onChange={setFilesWidth}
            />
          </>
        )}
        <section aria-label="Terminals and files" className="flex min-h-0 min-w-0 flex-1 flex-col bg-surface">
          {(tabs.terminals.length > 0 || tabs.files.length > 0) && (
            <TabBar ref={tabList} workspace={workspace} tabs={tabs} mayDrive={mayDrive} />
          )}
          <div data-terminals className="relative min-h-0 flex-1">
            {tabs.active.kind === 'start' && <StartPanel workspace={workspace} tabs={tabs} mayDrive={mayDrive} />}
            <Suspense fallback={<PanelLoading words="Opening…" />}>
              {tabs.mounted.map((terminal) => {
                const visible = tabs.active.kind === 'terminal' && tabs.active.id === terminal.id;
                return (
                  <div
                    key={terminal.id}
                    role="tabpanel"
                    aria-labelledby={tabId({ kind: 'terminal', id: terminal.id })}
                    className={classNames('absolute inset-0', !visible && 'hidden')}
                  >
                    <TerminalPane
                      terminal={terminal}
                      visible={visible}
                      mayDrive={mayDrive}
                      onDoubt={tabs.refresh}
                      onLeave={toTabs}
                    />
                  </div>
                );
              })}
              {tabs.active.kind === 'file' && (
                <div role="tabpanel" aria-labelledby={tabId(tabs.active)} className="absolute inset-0">
                  <FileView key={tabs.active.path} workspaceId={workspace.id} path={tabs.active.path} />
                </div>
              )}
            </Suspense>
          </div>
        </section>
        {networkBeside && (
          <aside aria-label="Network" className="flex min-h-0 w-76 shrink-0 flex-col border-l bg-surface">
            {network}
          </aside>
        )}
      </div>
      {phone && (
        <PhoneDock workspaceId={workspace.id} onFiles={() => setSheet('files')} onNetwork={() => setSheet('network')} />
      )}
      <Sheet open={sheet === 'files'} onOpenChange={(open) => !open && setSheet(null)} title="Files">
        {files}
      </Sheet>
      <Sheet open={sheet === 'network'} onOpenChange={(open) => !open && setSheet(null)} title="Network">
        {network}
      </Sheet>
    </div>
  );
}

function PanelLoading({ words }: { readonly words: string }) {
  return (
    <div role="status" className="grid h-full place-items-center text-sm text-muted">
      <span className="animate-breathe">{words}</span>
    </div>
  );
}
