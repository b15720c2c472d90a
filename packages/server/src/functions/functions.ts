import type { StoredEvent } from "../core/event.ts";
import type { FunctionVersion, Trigger } from "../core/function.ts";
import type { GrantedFiles } from "../core/mounts.ts";

/** The functions in service. What is handed out is frozen; a reload replaces it as a whole. */
export interface Functions {
  list(): readonly FunctionVersion[];
  get(name: string): FunctionVersion | undefined;
  /** Every function whose consumer takes this event, in order of name. */
  matching(event: StoredEvent): readonly FunctionVersion[];
  /** Every HTTP trigger in service, with its function. */
  httpTriggers(): readonly HttpTrigger[];
  /** The set in service now, and again each time it changes, until `signal` aborts. */
  changes(signal: AbortSignal): AsyncIterable<readonly FunctionVersion[]>;
}

export interface HttpTrigger {
  readonly function: FunctionVersion;
  readonly trigger: Extract<Trigger, { kind: "http" }>;
}

/** Modules by content. A version's module stays as long as its records may be replayed. */
export interface ModuleStore {
  /** Resolves with the sha256 when the module is durable. Keeping the same bytes again costs nothing. */
  put(bytes: Uint8Array): Promise<string>;
  /** Undefined if there is none of that name. The bytes are checked against the name. */
  get(sha256: string): Promise<Uint8Array | undefined>;
  /** The names of all there are, in order. */
  list(): Promise<readonly string[]>;
}

/** A version with all it takes to run it. */
export interface ArchivedVersion {
  readonly version: FunctionVersion;
  /** The canonical JSON that names it: its sha256 is the version's name. */
  readonly content: Uint8Array;
  readonly module: Uint8Array;
  readonly files: GrantedFiles;
  /** What is mounted, each as the bytes that its sha256 in the content is of, in that order. */
  readonly mounts: readonly Uint8Array[];
}

export interface KeptVersion {
  readonly version: string;
  readonly moduleSha256: string;
  /** When it was served here first: milliseconds since the Unix epoch. */
  readonly keptAt: number;
}

/** Every version that was served here, so that its runs can be made again when others have followed it. */
export interface VersionArchive {
  /** Resolves when it is durable. Keeping one again costs nothing. */
  keep(version: FunctionVersion, parts: Pick<ArchivedVersion, "module" | "files">): Promise<void>;
  /**
   * Undefined if it was never served here. Where its module came from, and when it was deployed, is not
   * kept. VERSION_NOT_FOUND where a part of it is missing.
   */
  get(version: string): Promise<ArchivedVersion | undefined>;
  /** Those of one function that are kept here, in the order in which they came. */
  of(name: string): Promise<readonly KeptVersion[]>;
  has(version: string): Promise<boolean>;
  /** Whether there is such a module here, a version's or not. */
  hasModule(sha256: string): Promise<boolean>;
  /** The names of those kept here that begin with this, in order. */
  find(prefix: string): Promise<readonly string[]>;
  /**
   * The version with another module in place of its own; it is kept nowhere. Undefined as `get` is.
   * VERSION_NOT_FOUND where there is no such module here, or a part is missing.
   */
  withModule(version: string, moduleSha256: string): Promise<ArchivedVersion | undefined>;
  /** Keeps a module that is no version's yet; resolves with its sha256. CANDIDATE_INVALID: it is none. */
  keepModule(bytes: Uint8Array): Promise<string>;
}
