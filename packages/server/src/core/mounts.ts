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

/**
 * What of files a function is given. In this order, from descriptor 3 on: the mounts, then the scratch
 * directory `/tmp`, which is empty at the beginning of each invocation and gone at its end.
 */
export interface GrantedFiles {
  readonly mounts: readonly Mount[];
  /** How much the scratch directory may hold; 0: there is none. */
  readonly scratchBytes: number;
}

/** Where the scratch directory is. */
export const SCRATCH = "/tmp";

/** A mount as a version names it. */
export interface MountFacts {
  readonly guest: string;
  /** The directory it came from, as the user wrote it; for messages only. */
  readonly host: string;
  /** Over names, contents and links. */
  readonly sha256: string;
  /** Directories and links included. */
  readonly files: number;
  readonly bytes: number;
}
