/** A route that anybody may call. Importing this is the statement that a route is for strangers. */
export interface PublicAccess {
  readonly kind: 'public';
  /** Why strangers may, for whoever reviews it. */
  readonly reason: string;
}

export const publicRoute = (reason: string): PublicAccess => Object.freeze({ kind: 'public', reason });
