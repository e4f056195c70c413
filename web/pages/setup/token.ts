let taken: string | null = null;

/**
 * The set-up token out of the address bar's fragment, which is then emptied, so that the token stays
 * neither in the history nor on a screenshot. Kept in memory, because React may ask twice.
 */
export function takeToken(): string | null {
  const text = location.hash.slice(1);
  if (text !== '') {
    const named = new URLSearchParams(text).get('token');
    taken = named ?? decodeURIComponent(text);
    history.replaceState(history.state, '', location.pathname + location.search);
  }
  return taken;
}
