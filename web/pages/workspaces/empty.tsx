import { FolderGit2, Globe, SquareTerminal } from 'lucide-react';
import { Button } from '../../ui/button.tsx';

const steps = [
  { Icon: FolderGit2, title: 'Bring code', words: 'A git URL is cloned inside the sandbox, or begin with nothing.' },
  {
    Icon: SquareTerminal,
    title: 'Start an agent',
    words: 'Claude Code, Codex or a shell, in a real terminal that survives this tab.',
  },
  {
    Icon: Globe,
    title: 'See what leaves',
    words: 'Every connection is decided, listed, and refused unless you allowed it.',
  },
];

/** The first thing an owner sees: what a workspace is for. */
export function EmptyWorkspaces({ onCreate }: { readonly onCreate?: (() => void) | undefined }) {
  return (
    <div className="rounded-xl border bg-surface px-6 py-10 sm:px-10 sm:py-14">
      <h2 className="text-lg font-semibold">Give an agent a room of its own</h2>
      <p className="mt-1 max-w-[56ch] text-md text-muted">
        A workspace is a directory of code with a sandbox around it. Your keys stay outside; what the agent does is on
        the record.
      </p>
      <ol className="mt-8 grid gap-6 sm:grid-cols-3">
        {steps.map(({ Icon, title, words }) => (
          <li key={title}>
            <span className="grid size-9 place-items-center rounded-lg bg-accent-soft text-accent">
              <Icon size={18} aria-hidden />
            </span>
            <h3 className="mt-3 text-sm font-semibold">{title}</h3>
            <p className="mt-0.5 text-sm text-muted">{words}</p>
          </li>
        ))}
      </ol>
      {onCreate && (
        <Button look="primary" size="large" className="mt-9" onClick={onCreate}>
          Make the first workspace
        </Button>
      )}
    </div>
  );
}
