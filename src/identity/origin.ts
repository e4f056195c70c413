/** Where a request came from: for the trail, limits and the list of sessions. */
export interface RequestOrigin {
  readonly address: string;
  readonly agent: string | null;
  readonly requestId: string;
}
