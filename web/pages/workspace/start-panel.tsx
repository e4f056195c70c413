import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ArrowRight, KeyRound, TerminalSquare } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import type { Workspace } from '#contract/api.ts';
import { messageOf } from '../../api/problem.ts';
import { secretsQuery } from '../../api/secrets.ts';
import { useCan } from '../../api/session.ts';
import { Button } from '../../ui/button.tsx';
import { controlClass } from '../../ui/field.tsx';
import { Notice } from '../../ui/notice.tsx';
import { programs } from './programs.ts';
import type { Tabs } from './tabs.ts';
import { useStart } from './use-start.ts';

interface StartPanelProps {
  readonly workspace: Workspace;
  readonly tabs: Tabs;
  readonly mayDrive: boolean;
}

/** What stands where no terminal does: the ways to start one. */
export function StartPanel({ workspace, tabs, mayDrive }: StartPanelProps) {
  const can = useCan();
  const { data: secrets } = useQuery({ ...secretsQuery, enabled: can('secret:read') });
  const { start, starting } = useStart(workspace, tabs);
  const [command, setCommand] = useState('');
  const missing = (kind: string | null) =>
    kind !== null && secrets !== undefined && !secrets.some((secret) => secret.kind === kind);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (command.trim() !== '') start({ command: command.trim() });
  };
  if (!mayDrive) {
    return (
      <div className="grid h-full place-items-center p-6 text-center text-sm text-muted">
        No terminal runs here. You may watch terminals, not start them.
      </div>
    );
  }
  return (
    <div className="h-full overflow-y-auto">
      <div className="mx-auto flex min-h-full max-w-[560px] flex-col justify-center px-4 py-8 sm:px-8">
        <h2 className="text-lg font-semibold tracking-tight">Start something in {workspace.name}</h2>
        <p className="mt-0.5 mb-5 text-sm text-muted">
          It runs in the sandbox and goes on when you close this page.
          {workspace.sandbox === null && ' The sandbox is started first.'}
        </p>
        {tabs.error !== null && tabs.terminals.length === 0 && (
          <Notice tone="bad" title="The running terminals could not be listed" className="mb-4">
            {messageOf(tabs.error)}
          </Notice>
        )}
        <ul className="overflow-hidden rounded-lg border">
          {programs.map(({ program, name, words, secret, Icon }) => {
            const busy = starting !== null && 'program' in starting && starting.program === program;
            return (
              <li key={program} className="border-b last:border-0">
                <button
                  type="button"
                  disabled={starting !== null}
                  aria-busy={busy || undefined}
                  onClick={() => start({ program })}
                  className="group flex w-full items-center gap-3.5 px-4 py-3 text-left transition-colors hover:bg-hover focus-visible:-outline-offset-2 disabled:opacity-60"
                >
                  <span className="grid size-9 shrink-0 place-items-center rounded-lg bg-accent-soft text-accent">
                    <Icon size={18} aria-hidden />
                  </span>
                  <span className="min-w-0 flex-1">
                    <span className="block text-md font-medium">
                      {program === 'shell' ? 'Open a shell' : `Start ${name}`}
                    </span>
                    <span className="block truncate text-xs text-muted">
                      {busy ? (
                        <span className="animate-breathe">
                          {workspace.sandbox ? 'Starting…' : 'Starting the sandbox…'}
                        </span>
                      ) : missing(secret) ? (
                        `${words}. No ${secret} key is set yet.`
                      ) : secret && secrets ? (
                        `${words}. The key is added outside the sandbox.`
                      ) : (
                        words
                      )}
                    </span>
                  </span>
                  <ArrowRight
                    size={16}
                    aria-hidden
                    className="text-faint transition-transform group-hover:translate-x-0.5 group-hover:text-accent"
                  />
                </button>
              </li>
            );
          })}
        </ul>
        <form onSubmit={submit} className="mt-4 flex items-center gap-2">
          <div className="relative flex-1">
            <TerminalSquare size={15} aria-hidden className="absolute top-1/2 left-3 -translate-y-1/2 text-faint" />
            <input
              aria-label="A command to run"
              placeholder="Or a command"
              autoCapitalize="off"
              autoCorrect="off"
              spellCheck={false}
              maxLength={4096}
              value={command}
              onChange={(event) => setCommand(event.target.value)}
              className={`${controlClass} h-9 !pl-9 font-mono !text-sm max-sm:h-11 max-sm:!text-lg`}
            />
          </div>
          <Button
            type="submit"
            className="h-9 max-sm:h-11"
            disabled={command.trim() === '' || starting !== null}
            busy={starting !== null && 'command' in starting && 'Starting…'}
          >
            Run
          </Button>
        </form>
        {can('secret:write') && (missing('anthropic') || missing('openai')) && (
          <Link
            to="/settings"
            hash="secrets"
            className="mt-4 inline-flex items-center gap-2 self-start text-sm text-accent underline-offset-4 hover:underline"
          >
            <KeyRound size={14} aria-hidden /> Set the keys of your model providers
          </Link>
        )}
      </div>
    </div>
  );
}
