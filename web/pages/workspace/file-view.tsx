import { useQuery } from '@tanstack/react-query';
import { Check, Copy, Download } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { maximumFileViewBytes } from '#contract/api.ts';
import { fileQuery, filesQuery } from '../../api/files.ts';
import { ApiError, messageOf } from '../../api/problem.ts';
import { copyText } from '../../terminal/clipboard.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Notice } from '../../ui/notice.tsx';
import { byteSize } from '../../ui/time.ts';
import { openCodeView } from './code-view.ts';
import { fileKind } from './file-kind.ts';
import { childPath } from './tree-order.ts';

interface FileViewProps {
  readonly workspaceId: string;
  readonly path: string;
}

/** A file as it is now, to read. */
export function FileView({ workspaceId, path }: FileViewProps) {
  const directory = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.';
  const listing = useQuery(filesQuery(workspaceId, directory));
  const entry = listing.data?.entries.find((other) => childPath(directory, other) === path);
  const { data, error, isPending, refetch } = useQuery({
    ...fileQuery(workspaceId, path, entry ? `${entry.modifiedMs} ${entry.size}` : ''),
    enabled: !listing.isPending,
  });
  const bytes = error ? undefined : data;
  const shown = useMemo(() => (bytes ? fileKind(bytes) : null), [bytes]);
  const name = path.slice(path.lastIndexOf('/') + 1);
  const address = `/api/v1/workspaces/${workspaceId}/file?path=${encodeURIComponent(path)}`;
  const tooLarge = error instanceof ApiError && error.code === 'too_large';
  return (
    <div className="flex h-full flex-col">
      <div className="flex h-8 shrink-0 items-center gap-2 border-b px-3 text-xs text-muted pointer-coarse:h-10">
        <span className="min-w-0 flex-1 truncate font-mono" title={path}>
          {path}
        </span>
        {bytes && <span className="tabular shrink-0">{byteSize(bytes.length)}</span>}
        {shown?.kind === 'text' && <CopyButton text={shown.text} />}
        {bytes && (
          <a
            href={address}
            download={name}
            aria-label={`Download ${name}`}
            title={`Download ${name}`}
            className="grid size-6 place-items-center rounded-md hover:bg-hover hover:text-text pointer-coarse:size-10"
          >
            <Download size={14} />
          </a>
        )}
      </div>
      <div className="relative min-h-0 flex-1">
        {isPending && <p className="p-4 text-sm text-muted animate-breathe">Reading {name}…</p>}
        {error && (
          <Notice
            tone={tooLarge ? 'info' : 'bad'}
            title={tooLarge ? `${name} is too large to show here` : `${name} could not be read`}
            className="m-4"
            actions={
              !tooLarge && (
                <Button size="small" onClick={() => void refetch()}>
                  Try again
                </Button>
              )
            }
          >
            {tooLarge ? (
              <>
                Files up to {byteSize(maximumFileViewBytes)} are shown. In a terminal:{' '}
                <code className="font-mono text-xs">less {path}</code>
              </>
            ) : (
              messageOf(error)
            )}
          </Notice>
        )}
        {shown?.kind === 'binary' && (
          <Notice tone="info" title={`${name} is not text`} className="m-4">
            It holds {byteSize(bytes?.length ?? 0)} that are not UTF-8, so there is nothing to read here. You can
            download it.
          </Notice>
        )}
        {shown?.kind === 'empty' && <p className="p-4 text-sm text-muted">The file is empty.</p>}
        {shown?.kind === 'text' && <CodeView text={shown.text} name={name} />}
      </div>
    </div>
  );
}

function CodeView({ text, name }: { readonly text: string; readonly name: string }) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<ReturnType<typeof openCodeView> | null>(null);
  useEffect(() => {
    if (!host.current) return undefined;
    view.current = openCodeView(host.current, name);
    return () => {
      view.current?.dispose();
      view.current = null;
    };
  }, [name]);
  useEffect(() => view.current?.show(text), [text]);
  return <div ref={host} className="absolute inset-0" />;
}

function CopyButton({ text }: { readonly text: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <IconButton
      label={copied ? 'Copied' : 'Copy the whole file'}
      className="!size-6 pointer-coarse:!size-10"
      onClick={() => void copyText(text).then(setCopied)}
    >
      {copied ? <Check size={14} /> : <Copy size={14} />}
    </IconButton>
  );
}
