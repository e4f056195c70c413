import { Button } from '../ui/button.tsx';
import { Dialog, DialogActions } from '../ui/dialog.tsx';
import { Notice } from '../ui/notice.tsx';
import { pasteFacts } from './paste.ts';

interface PasteDialogProps {
  readonly text: string;
  readonly onPaste: (text: string) => void;
  readonly onClose: () => void;
}

/** Shows what would be pasted before it can run. */
export function PasteDialog({ text, onPaste, onClose }: PasteDialogProps) {
  const { lines, characters, controls } = pasteFacts(text);
  const line = text.replace(/\s*[\r\n]+\s*/g, ' ').trim();
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={lines > 1 ? `Paste ${lines} lines?` : 'Paste this?'}
      description={
        lines > 1 ? 'Each line may run as a command of its own.' : `${characters.toLocaleString()} characters.`
      }
      wide
    >
      {controls && (
        <Notice tone="warn" title="It holds control characters" className="mb-3">
          They are taken out before it reaches the terminal.
        </Notice>
      )}
      <pre
        tabIndex={0}
        aria-label="What would be pasted"
        className="max-h-[40vh] overflow-auto rounded-md bg-sunken p-3 font-mono text-xs break-all whitespace-pre-wrap"
      >
        {text.slice(0, 20_000)}
        {text.length > 20_000 && '\n…'}
      </pre>
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        {lines > 1 && <Button onClick={() => onPaste(line)}>Paste as one line</Button>}
        <Button look="primary" autoFocus onClick={() => onPaste(text)}>
          Paste
        </Button>
      </DialogActions>
    </Dialog>
  );
}
