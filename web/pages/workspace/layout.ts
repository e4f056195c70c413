export type ActiveTab =
  | { readonly kind: 'terminal'; readonly id: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'start'; readonly chosen?: boolean };

export interface Layout {
  readonly terminals: readonly string[];
  readonly files: readonly string[];
  readonly active: ActiveTab;
}

const empty: Layout = { terminals: [], files: [], active: { kind: 'start' } };
const keyOf = (workspaceId: string) => `casemate.layout.${workspaceId}`;

/** Reads a stored layout; what is not one is as if there were none. */
export function parseLayout(text: string | null): Layout {
  if (text === null) return empty;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return empty;
  }
  if (typeof value !== 'object' || value === null) return empty;
  const { terminals, files, active } = value as Record<string, unknown>;
  const texts = (list: unknown) =>
    Array.isArray(list) ? list.filter((item): item is string => typeof item === 'string').slice(-50) : [];
  return { terminals: texts(terminals), files: texts(files), active: parseActive(active) };
}

function parseActive(value: unknown): ActiveTab {
  const { kind, id, path } = (value ?? {}) as Record<string, unknown>;
  if (kind === 'terminal' && typeof id === 'string') return { kind, id };
  if (kind === 'file' && typeof path === 'string') return { kind, path };
  return { kind: 'start' };
}

export function readLayout(workspaceId: string): Layout {
  try {
    return parseLayout(localStorage.getItem(keyOf(workspaceId)));
  } catch {
    return empty;
  }
}

export function writeLayout(workspaceId: string, layout: Layout): void {
  try {
    localStorage.setItem(keyOf(workspaceId), JSON.stringify(layout));
  } catch {
    // Without storage the layout lasts as long as the page.
    return;
  }
}
