import type { FunctionVersion } from "../core/function.ts";

/** The versions that all nodes of a cluster serve, by function, and what they are made of. */
export interface SharedVersions {
  /** How every function stands, also those that were taken out. Rejects as `get`. */
  list(): Promise<readonly SharedFunction[]>;
  /** How one stands. LOG_UNAVAILABLE. */
  get(name: string): Promise<SharedFunction>;
  /**
   * Resolves with the new revision when `next` is kept in place of `revision`, and with undefined where
   * another node was faster: nothing has changed then. LOG_UNAVAILABLE, LOG_FULL.
   */
  replace(name: string, revision: number, next: Marked): Promise<number | undefined>;
  /** What the files of a project had last; undefined where that cannot be read. LOG_UNAVAILABLE. */
  getProject(name: string): Promise<SharedProject | undefined>;
  /** As `replace`. */
  replaceProject(name: string, revision: number, next: ProjectFiles): Promise<number | undefined>;
  /**
   * How functions stand now, each once, and then each change of one; after an interruption all of them
   * again. Ends when `signal` aborts, and with nothing else.
   */
  watch(signal: AbortSignal): AsyncIterable<SharedFunction>;
  /** Resolves when `content` is kept; what is kept already is not sent again. LOG_UNAVAILABLE, LOG_FULL. */
  putContent(content: SharedContent): Promise<void>;
  /** The bytes of this sha256, checked. MODULE_INVALID where they are not there or are damaged; LOG_UNAVAILABLE. */
  getContent(sha256: string): Promise<Uint8Array>;
}

/** A module, a source map or a mount. */
export interface SharedContent {
  readonly sha256: string;
  readonly bytes: () => Uint8Array;
}

export interface SharedFunction {
  readonly name: string;
  /** Grows with each change of it; 0: nobody ever deployed it. */
  readonly revision: number;
  readonly state: SharedState;
}

export type SharedState =
  | Marked
  | { readonly kind: "absent" }
  /** Written by a later release, or by another program. */
  | { readonly kind: "unreadable"; readonly reason: string };

/** What a node wrote. */
export type Marked = (Deployment | { readonly kind: "removed" }) & {
  /** Everything that was ever deployed under this name, the newest last; see `markOf`. */
  readonly marks: readonly string[];
  /** Who wrote it; for messages only. */
  readonly node: string;
};

export interface SharedProject extends ProjectFiles {
  /** 0: nobody ever named it. */
  readonly revision: number;
}

/** All functions that files bring together. */
export interface ProjectFiles {
  readonly functions: readonly string[];
  /** As those of a function, over all versions together. */
  readonly marks: readonly string[];
}

export interface Deployment {
  readonly kind: "deployed";
  readonly version: FunctionVersion;
  /** The sha256 of its module's source map; absent: it has none. */
  readonly sourceMapSha256?: string;
}
