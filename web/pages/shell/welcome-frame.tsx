import type { ReactNode } from 'react';
import { BrandMark } from '../../ui/brand.tsx';

interface WelcomeFrameProps {
  readonly title: string;
  readonly lead: ReactNode;
  readonly children: ReactNode;
}

/** What stands around the pages for people who are not signed in. */
export function WelcomeFrame({ title, lead, children }: WelcomeFrameProps) {
  return (
    <main className="h-full overflow-y-auto safe-top safe-bottom">
      <div className="mx-auto flex min-h-full w-full max-w-[400px] flex-col justify-center px-5 py-10">
        <div className="mb-6 flex items-center gap-2.5">
          <BrandMark size={28} />
          <span className="text-lg font-semibold tracking-tight">Casemate</span>
        </div>
        <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
        <p className="mt-1 mb-6 text-md text-muted">{lead}</p>
        {children}
      </div>
    </main>
  );
}
