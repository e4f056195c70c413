export interface GeneratedFile {
  /** Relative to the repository. */
  readonly path: string;
  readonly content: string;
}

/** What each file of this folder exports as `generate`. Its result depends on the repository only. */
export type Generator = (context: { readonly root: string }) => Promise<readonly GeneratedFile[]>;
