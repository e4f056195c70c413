import { X } from 'lucide-react';
import { Toast as Primitive } from 'radix-ui';
import { createContext, type ReactNode, useCallback, useContext, useRef, useState } from 'react';
import { IconButton } from './button.tsx';
import { StatusDot, type Tone } from './status.tsx';

interface ToastContent {
  readonly title: string;
  readonly detail?: string;
  readonly tone?: Tone;
  readonly action?: { readonly label: string; readonly run: () => void };
}
interface Shown extends ToastContent {
  readonly id: number;
}

const Context = createContext<(toast: ToastContent) => void>(() => undefined);

/** Says something at the screen's edge for eight seconds, longer when there is something to press. */
export function useToast(): (toast: ToastContent) => void {
  return useContext(Context);
}

export function Toasts({ children }: { readonly children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Shown[]>([]);
  const next = useRef(0);
  const show = useCallback((toast: ToastContent) => {
    next.current += 1;
    const id = next.current;
    setToasts((before) => [...before.slice(-3), { ...toast, id }]);
  }, []);
  const drop = (id: number) => setToasts((before) => before.filter((toast) => toast.id !== id));
  return (
    <Context.Provider value={show}>
      <Primitive.Provider swipeDirection="right">
        {children}
        {toasts.map((toast) => (
          <Primitive.Root
            key={toast.id}
            duration={toast.action ? 15_000 : 8000}
            onOpenChange={(open) => !open && drop(toast.id)}
            className="flex items-center gap-3 rounded-lg bg-raised py-2 pr-2 pl-3.5 shadow-high animate-rise"
          >
            <StatusDot tone={toast.tone ?? 'good'} />
            <div className="min-w-0 flex-1">
              <Primitive.Title className="text-sm font-medium break-words">{toast.title}</Primitive.Title>
              {toast.detail && (
                <Primitive.Description className="text-xs text-muted break-words">{toast.detail}</Primitive.Description>
              )}
            </div>
            {toast.action && (
              <Primitive.Action asChild altText={toast.action.label}>
                <button
                  type="button"
                  onClick={toast.action.run}
                  className="h-8 rounded-md px-2.5 text-sm font-medium text-accent hover:bg-hover pointer-coarse:min-h-11"
                >
                  {toast.action.label}
                </button>
              </Primitive.Action>
            )}
            <Primitive.Close asChild>
              <IconButton label="Dismiss">
                <X size={14} />
              </IconButton>
            </Primitive.Close>
          </Primitive.Root>
        ))}
        <Primitive.Viewport className="fixed right-4 bottom-4 z-[60] flex w-[min(400px,calc(100vw-32px))] list-none flex-col gap-2 outline-none max-sm:right-auto max-sm:bottom-[calc(72px+env(safe-area-inset-bottom,0px))] max-sm:left-4" />
      </Primitive.Provider>
    </Context.Provider>
  );
}
