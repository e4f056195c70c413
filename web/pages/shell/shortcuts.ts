import type { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';

interface Acts {
  readonly palette: () => void;
  readonly shortcuts: () => void;
  readonly navigate: ReturnType<typeof useNavigate>;
}

/** Whether what is typed there is text, so that single letters are not commands. */
function takesText(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** Keys that work on every page: Mod+K, ?, and g followed by w, a or s. */
export function useShellShortcuts(acts: Acts): void {
  const current = useRef(acts);
  current.current = acts;
  useEffect(() => {
    let goPressedAt = 0;
    const onKey = (event: KeyboardEvent) => {
      const { palette, shortcuts, navigate } = current.current;
      if ((event.metaKey || event.ctrlKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
        // In a terminal Ctrl+K belongs to the shell; ⌘K does not.
        if (event.ctrlKey && event.target instanceof Element && event.target.closest('.xterm')) return;
        event.preventDefault();
        palette();
        return;
      }
      if (event.metaKey || event.ctrlKey || event.altKey || takesText(event.target)) return;
      if (document.querySelector('[role="dialog"]')) return;
      if (event.key === '?') {
        event.preventDefault();
        shortcuts();
      } else if (event.key === 'g') {
        goPressedAt = event.timeStamp;
      } else if (event.timeStamp - goPressedAt < 1000) {
        goPressedAt = 0;
        if (event.key === 'w') void navigate({ to: '/workspaces' });
        if (event.key === 'a') void navigate({ to: '/activity' });
        if (event.key === 's') void navigate({ to: '/settings' });
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}
