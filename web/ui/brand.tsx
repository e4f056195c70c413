/** The vaulted gate that stands for the name. */
export function BrandMark({ size = 24 }: { readonly size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden focusable="false">
      <rect width="32" height="32" rx="7" className="fill-accent-fill" />
      <path d="M7 25V15a9 9 0 0 1 18 0v10h-5v-9a4 4 0 0 0-8 0v9z" className="fill-on-accent" />
    </svg>
  );
}
