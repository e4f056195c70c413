/** Whether this machine writes ⌘ where others write Ctrl. */
export const isApple = /Mac|iPhone|iPad/.test(navigator.platform);

/** Keys to press, as small caps. `Mod` is ⌘ or Ctrl. */
export function Keys({ keys }: { readonly keys: readonly string[] }) {
  return (
    <span className="inline-flex items-center gap-0.5">
      {keys.map((key) => (
        <kbd
          key={key}
          className="inline-flex h-5 min-w-5 items-center justify-center rounded-sm border border-line-strong bg-sunken px-1 font-sans text-2xs text-muted"
        >
          {key === 'Mod' ? (isApple ? '⌘' : 'Ctrl') : key}
        </kbd>
      ))}
    </span>
  );
}
