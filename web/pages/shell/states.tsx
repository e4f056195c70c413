import { Link, useRouter } from '@tanstack/react-router';
import { messageOf } from '../../api/problem.ts';
import { BrandMark } from '../../ui/brand.tsx';
import { Button } from '../../ui/button.tsx';
import { Notice } from '../../ui/notice.tsx';

/** Shown when a page takes longer than 300 ms. */
export function PageLoading() {
  return (
    <div className="grid h-full place-items-center" role="status">
      <div className="flex items-center gap-3 text-sm text-muted">
        <span className="animate-breathe">
          <BrandMark size={20} />
        </span>
        Opening the page…
      </div>
    </div>
  );
}

/** A page that could not be opened at all. */
export function LoadFailed({ error }: { readonly error: unknown }) {
  const router = useRouter();
  return (
    <div className="grid h-full place-items-center p-6">
      <Notice
        tone="bad"
        title="This page could not be opened"
        className="max-w-lg"
        actions={
          <Button size="small" onClick={() => void router.invalidate()}>
            Try again
          </Button>
        }
      >
        {messageOf(error)}
      </Notice>
    </div>
  );
}

/** An address that leads nowhere. */
export function NotFound() {
  return (
    <main className="grid h-full place-items-center p-6">
      <div className="flex flex-col items-center gap-4 text-center">
        <BrandMark size={36} />
        <div>
          <h1 className="text-lg font-semibold">There is nothing here</h1>
          <p className="mt-1 text-sm text-muted">The address is wrong, or what it named has been removed.</p>
        </div>
        <Link to="/workspaces" className="text-sm font-medium text-accent underline underline-offset-4">
          Go to the workspaces
        </Link>
      </div>
    </main>
  );
}
