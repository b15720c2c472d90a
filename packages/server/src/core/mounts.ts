/**
 * Files granted to a function, as they were when it was deployed. Plain data that threads share: the
 * contents of all files lie one behind another in `bytes`, which nobody writes to.
 */
export interface MountedFiles {
  readonly bytes: SharedArrayBuffer;
  /** The first is the directory that is granted. */
  readonly nodes: readonly MountedNode[];
}

export type MountedNode =
  | {
      readonly kind: "directory";
      /** In order of name, by UTF-16 code units. */
      readonly entries: readonly MountedEntry[];
    }
  | { readonly kind: "file"; readonly at: number; readonly length: number }
  | { readonly kind: "link"; readonly target: string };

export interface MountedEntry {
  readonly name: string;
  /** Among `nodes`. */
  readonly node: number;
}

/** A directory that a function sees, read only. */
export interface Mount {
  /** Where the function sees it: an absolute path. */
  readonly guest: string;
  readonly files: MountedFiles;
}
