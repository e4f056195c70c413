import { Link } from '@tanstack/react-router';
import { Boxes, FolderTree, Globe } from 'lucide-react';
import { useQuery } from '@tanstack/react-query';
import { egressQuery } from '../../api/egress.ts';

interface PhoneDockProps {
  readonly workspaceId: string;
  readonly onFiles: () => void;
  readonly onNetwork: () => void;
}

const itemClass =
  'flex h-13 flex-1 flex-col items-center justify-center gap-0.5 rounded-lg text-2xs font-medium text-muted active:bg-hover';

/** A workspace's own dock on a phone; it gives way to the keyboard. */
export function PhoneDock({ workspaceId, onFiles, onNetwork }: PhoneDockProps) {
  const { data = [] } = useQuery(egressQuery(workspaceId));
  const refused = data.filter(({ allowed }) => !allowed).length;
  return (
    <nav
      aria-label="Workspace"
      className="flex shrink-0 gap-1 border-t bg-surface px-1 safe-bottom [@media(max-height:520px)]:hidden"
    >
      <Link to="/workspaces" search={{}} className={itemClass}>
        <Boxes size={18} aria-hidden />
        Workspaces
      </Link>
      <button type="button" onClick={onFiles} className={itemClass}>
        <FolderTree size={18} aria-hidden />
        Files
      </button>
      <button type="button" onClick={onNetwork} className={itemClass}>
        <span className="relative">
          <Globe size={18} aria-hidden />
          {refused > 0 && <span aria-hidden className="absolute -top-0.5 -right-1 size-2 rounded-full bg-bad" />}
        </span>
        Network
        {refused > 0 && <span className="sr-only">, {refused} refused</span>}
      </button>
    </nav>
  );
}
