import type { StoredEvent } from "../core/event.ts";
import type { DeadLetter, Invocation } from "../core/invocation.ts";

/**
 * All that one log holds, to be read while others write to it. What it gives is what the log held when
 * it was opened; positions are those of this log. Every promise below rejects with LOG_UNAVAILABLE and
 * with nothing else.
 */
export interface LogSource extends AsyncDisposable {
  readonly driver: string;
  /** About how much there is to come. */
  readonly counts: { readonly events: number; readonly invocations: number };
  /** Events after a position, oldest first. */
  events(after: number): AsyncIterable<StoredEvent>;
  /**
   * Records, oldest first. `after`: the mark of one that an earlier source of the same log gave: all
   * that came later, and perhaps some that it gave as well.
   */
  invocations(after: string | undefined): AsyncIterable<KeptInvocation>;
  /** Of the state, what has not ended; of some drivers, as it is when it is read. In no order. */
  values(): AsyncIterable<KeptValue>;
  readonly state: LogState;
}

export interface KeptInvocation {
  /** Where it lies; means something to sources of the same log only. */
  readonly mark: string;
  readonly invocation: Invocation;
  readonly recording?: Uint8Array;
  /** When it was kept, about: milliseconds since the Unix epoch; never goes back from one to the next. */
  readonly keptAt: number;
}

/** An entry of the state (state.ts). In another log it has another revision. */
export interface KeptValue {
  readonly namespace: string;
  readonly key: string;
  readonly value: Uint8Array;
  readonly expiresAt?: number;
}

/** What of a log changes but for values; the rest only grows. */
export interface LogState {
  /** Position of the newest event there ever was; 0 if there was none. */
  readonly tail: number;
  /** The largest revision of a value there ever was; 0 if there was none. */
  readonly revision: number;
  readonly deadLetters: readonly DeadLetter[];
  readonly retries: readonly WaitingRetry[];
  readonly places: readonly FunctionPlace[];
}

/** A delivery that waits for another attempt; its function's place takes it for settled. */
export interface WaitingRetry {
  readonly function: string;
  readonly position: number;
  /** The attempt that is to come. */
  readonly attempt: number;
  /** Milliseconds since the Unix epoch. */
  readonly dueAt: number;
  /** Later deliveries of its order key wait for it. */
  readonly holdsKey: boolean;
}

/** How far a function has come. */
export interface FunctionPlace {
  readonly function: string;
  /** Settled up to here, or not wanted, but for `open`. */
  readonly high: number;
  /** Positions up to `high` that are not settled. Ascending. */
  readonly open: readonly number[];
  /** Positions after `high` that are settled. Ascending. */
  readonly done: readonly number[];
}

/**
 * A log that another one is moved into. Nothing else has it meanwhile, and until `finish` is done no
 * server opens it (IMPORT_UNFINISHED). Every call may be made again after it was cut off: what is there
 * already is not kept twice. Everything rejects with LOG_UNAVAILABLE or LOG_FULL.
 */
export interface LogTarget extends AsyncDisposable {
  readonly driver: string;
  /**
   * To be called first. `continued`: an import of the same archive was cut off here; `done`: it is all
   * here, and nothing may be written. LOG_NOT_EMPTY where the log holds anything else; then nothing changes.
   */
  begin(archiveId: string, state: LogState): Promise<"begun" | "continued" | "done">;
  /** Oldest first. Resolves when they are kept, in this order, with their times. */
  events(events: readonly StoredEvent[]): Promise<void>;
  /**
   * Of events that were given before; oldest first. Resolves when they are kept, each with its recording
   * unless that is larger than the driver keeps beside a record.
   */
  invocations(invocations: readonly KeptInvocation[]): Promise<void>;
  /** Resolves when they are kept. STATE_TOO_LARGE where the driver keeps no value as large as one of them. */
  values(values: readonly KeptValue[]): Promise<void>;
  /** Keeps the state that `begin` was given; then the log is ready for servers. */
  finish(): Promise<void>;
}
