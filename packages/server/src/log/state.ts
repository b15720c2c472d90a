/**
 * Small values by key, beside the log and in the same store: what functions keep from one run to the next,
 * and what the platform itself does. Each namespace sees nothing of another. Every promise rejects with
 * LOG_UNAVAILABLE or LOG_FULL, with STATE_TOO_LARGE where a key or value is over its limit, with
 * STATE_KEY_INVALID where a key is empty or, like a prefix, no text, and with nothing else. A namespace is
 * never a guest's to write: one that is none is the caller's bug, and ends as one.
 */
export interface StateStore {
  /** The largest value it keeps, in bytes: `MOST_VALUE_BYTES`, or less where the store cannot. */
  readonly maxValueBytes: number;

  /** Undefined: there is none, or its time has come. Sees every write that resolved before, by whichever node. */
  get(namespace: string, key: string): Promise<StateEntry | undefined>;

  /**
   * Keeps the value, durably when resolved. With `expect` only where the entry still has that revision (or,
   * with "absent", where there is none): otherwise nothing is changed, and the answer is undefined. Of two
   * that expect the same, one at most succeeds. Where it rejects, the value may be kept all the same with
   * a driver whose store is elsewhere: the answer was lost.
   */
  set(
    namespace: string,
    key: string,
    value: Uint8Array,
    options?: SetOptions,
  ): Promise<StateRevision | undefined>;

  /** Resolves durably with whether an entry was removed; with `expect` only one that still has that revision. */
  delete(
    namespace: string,
    key: string,
    options?: { readonly expect?: StateRevision },
  ): Promise<boolean>;

  /**
   * The entries whose keys begin with `prefix`, in order of the keys' UTF-8 bytes, without those whose time
   * has come. Not one moment of the store: an entry that is written meanwhile may be there or not.
   */
  list(namespace: string, query: StateQuery): Promise<StatePage>;
}

/**
 * Of one key, a later write has a larger one, whoever wrote it, and also after the key was deleted. In a
 * log that another one was moved into, entries have revisions larger than any of that one: what was
 * expected there is not met here.
 */
export type StateRevision = number;

export interface StateEntry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly revision: StateRevision;
  /** Milliseconds since the Unix epoch; absent: it stays. */
  readonly expiresAt?: number;
}

export interface SetOptions {
  readonly expect?: StateRevision | "absent";
  /**
   * Milliseconds since the Unix epoch, a whole number, from which on there is no such entry. A set without
   * it makes the entry stay.
   */
  readonly expiresAt?: number;
}

export interface StateQuery {
  readonly prefix?: string;
  /** 1 to 1,000. */
  readonly limit: number;
  /** The last key of the page before: entries behind it are listed. */
  readonly after?: string;
}

export interface StatePage {
  /** As many as the limit, or fewer, but one at least, where their values are `MOST_PAGE_BYTES` or more. */
  readonly items: readonly StateEntry[];
  /** Whether others follow. */
  readonly more: boolean;
}

/** Bytes of UTF-8, 1 at least. */
export const MOST_KEY_BYTES = 512;
/** The same for every driver as far as it can: what fits one log fits the next. */
export const MOST_VALUE_BYTES = 512 * 1024;
/** Of the values of a page, together: it ends with the entry that reaches it. */
export const MOST_PAGE_BYTES = 2 * 1024 * 1024;
/** Function namespaces and our own: a letter, then letters, digits, `-`, `_`, `.` and `:`. */
export const NAMESPACE = /^[a-z][A-Za-z0-9_.:-]{0,127}$/;
