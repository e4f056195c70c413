export interface AuditFinding {
  /** 1-based number of the line. */
  readonly line: number;
  readonly chain: string;
  readonly kind: 'malformed' | 'edited' | 'deleted' | 'inserted' | 'reordered';
  readonly message: string;
}
