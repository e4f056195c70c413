import { useMutation } from '@tanstack/react-query';
import type { Terminal } from '#contract/api.ts';
import { messageOf } from '../../api/problem.ts';
import { endTerminal } from '../../api/terminals.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog, DialogActions } from '../../ui/dialog.tsx';
import { Notice } from '../../ui/notice.tsx';
import type { Tabs } from './tabs.ts';

interface EndDialogProps {
  readonly terminal: Terminal;
  readonly tabs: Pick<Tabs, 'hide' | 'refresh'>;
  readonly onClose: () => void;
}

/** Asked because something runs: ending it cannot be undone. */
export function EndDialog({ terminal, tabs, onClose }: EndDialogProps) {
  const end = useMutation({
    mutationFn: () => endTerminal(terminal.id),
    onSuccess: () => {
      tabs.hide(terminal.id);
      tabs.refresh();
      onClose();
    },
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`End ${terminal.title}?`}
      description="Its program and everything that it started are stopped. Files stay. You can also just leave: closing this page ends nothing."
    >
      {end.error && (
        <Notice tone="bad" title="It still runs">
          {messageOf(end.error)}
        </Notice>
      )}
      <DialogActions>
        <Button onClick={onClose}>Keep it running</Button>
        <Button look="danger" busy={end.isPending && 'Ending…'} onClick={() => end.mutate()}>
          End {terminal.title}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
