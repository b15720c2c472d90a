import type { NewEvent, StoredEvent } from "../core/event.ts";
import type {
  DeadLetter,
  Invocation,
  InvocationError,
  InvocationStatus,
} from "../core/invocation.ts";
import type { StateStore } from "./state.ts";

/**
 * The event log: where events rest, who has still to run on them, and the records of every run.
 * One process opens a log; every promise below rejects with a NexusError of the codes named, or with
 * LOG_UNAVAILABLE (the store cannot be reached) or LOG_FULL (no room), and with nothing else.
 */
export interface EventLog {
  readonly driver: string;

  /**
   * The largest event it can keep, in bytes of its JSON; EVENT_TOO_LARGE where one is larger. Also the most
   * it keeps of a run: of a longer record log lines and the end of its output go, and it says so.
   */
  readonly maxEventBytes: number;

  /**
   * Keeps events. Resolves when every one of them is kept as `status().durability` says, in the order
   * given. Where it rejects, none was kept or, with a driver that has no transactions, the first of
   * them may have been: sent again, those are duplicates. An event whose `source` + `id` the log holds
   * already is a `duplicate`: nothing is stored, nobody runs, and the answer has the first one's
   * position. Two equal ones in one call: the same.
   */
  append(events: readonly NewEvent[]): Promise<readonly Appended[]>;

  /**
   * Keeps one event and gives it to the caller at once, before it is durable, so that the function
   * `name` can run on it meanwhile. The consumer of `name` does not get it as long as this process
   * lives; after a crash it does, if the event had become durable. `durable` resolves with the delivery,
   * which the caller settles; with a duplicate it says so, and there is none.
   */
  claim(event: NewEvent, name: string): Claim;

  /**
   * The event with this id; with several of different sources and no `source` given, the newest.
   * Undefined if there is none.
   */
  find(id: string, source?: string): Promise<StoredEvent | undefined>;

  /** Newest first. CURSOR_INVALID. The cost of a page does not grow with the log. */
  list(filter: EventFilter, page: PageRequest): Promise<Page<StoredEvent>>;

  /**
   * The deliveries for one function, as they come due: at least once each, in order of position but
   * for retries, never more than `concurrency` unsettled at a time: a delivery counts until `settle` is
   * called for it, so that runs need not wait for the disk. With `orderKey`, deliveries of one
   * key come one by one, each after the one before it was durably settled as done or dead; a retry keeps its
   * key waiting. Where a name is new to the log it begins at `start`; afterwards where it stopped,
   * whatever happened in between. Ends when `signal` aborts; what is unsettled then can still be
   * settled, and is not handed out again while this process lives. One iteration per name at a time:
   * a second begins when the first has ended.
   */
  consume(subscription: Subscription, signal: AbortSignal): AsyncIterable<Delivery>;

  /**
   * Ends one delivery: keeps the record, appends the emitted events (with deduplication) and moves the
   * delivery on, in one step where the driver can. Where it cannot, the record comes after the events and
   * before the delivery moves on. Durable when resolved.
   */
  settle(delivery: Delivery, settlement: Settlement): Promise<void>;

  /**
   * Keeps a record, with the events it emitted and its recording, that belongs to no delivery (a replay).
   * Durable when resolved.
   */
  record(
    invocation: Invocation,
    emitted: readonly NewEvent[],
    recording?: Uint8Array,
  ): Promise<void>;

  readonly invocations: {
    get(id: string): Promise<Invocation | undefined>;
    /** Newest first. CURSOR_INVALID. The cost of a page does not grow with the log. */
    list(filter: InvocationFilter, page: PageRequest): Promise<Page<Invocation>>;
    /** Every record of the event at this position, oldest first. */
    ofEvent(position: number): Promise<readonly Invocation[]>;
    /**
     * What was given as this run's recording, byte for byte, for as long as its record is kept. Undefined:
     * there is no such run, it has none, or it and its record's JSON were together more than `maxEventBytes`.
     */
    recording(id: string): Promise<Uint8Array | undefined>;
  };

  readonly deadLetters: {
    get(id: string): Promise<DeadLetter | undefined>;
    /** Newest first. CURSOR_INVALID. */
    list(filter: DeadLetterFilter, page: PageRequest): Promise<Page<DeadLetter>>;
    /**
     * Makes the delivery due again now, from attempt 1, and removes the dead letter. Resolves with
     * false if there is no such dead letter. Durable when resolved.
     */
    redrive(id: string): Promise<boolean>;
  };

  /** Small values by key, in the same store. */
  readonly state: StateStore;

  /**
   * What is kept from now on: events when they are durable, in the order of their positions, and records
   * likewise, each after its own event (a later event may come before or after it). A watcher that falls
   * more than 10,000 entries behind gets `{ kind: "gap" }` in place of what it missed. Ends when `signal`
   * aborts.
   */
  watch(signal: AbortSignal): AsyncIterable<LogEntry>;

  /**
   * Removes what is older or more than the policy allows, oldest first, in small steps that leave room
   * for other work. An event that a delivery or a dead letter still needs stays. Values of `state` whose
   * time has come go too, whatever the policy says.
   */
  trim(policy: RetentionPolicy, signal?: AbortSignal): Promise<Trimmed>;

  status(): Promise<LogStatus>;

  /** For each consumer this process serves: how far it is behind. Cheap enough for every scrape. */
  lag(): readonly ConsumerLag[];

  /** Waits for what is on its way to the disk, then closes. Safe to call twice. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Appended {
  readonly status: "accepted" | "duplicate";
  readonly position: number;
}

export interface Claim {
  /** What to run on. Undefined: a duplicate, known at once. Some drivers know it only later. */
  readonly event: NewEvent | undefined;
  readonly durable: Promise<Claimed>;
}

export interface Claimed extends Appended {
  /** Undefined: the event was a duplicate. */
  readonly delivery: Delivery | undefined;
}

/** One event handed to one function. */
export interface Delivery {
  readonly name: string;
  readonly stored: StoredEvent;
  /** From 1. Counts settlements with `retry`, and, where the driver can tell, runs that a crash cut off. */
  readonly attempt: number;
}

export interface Settlement {
  readonly invocation: Invocation;
  /** Bytes that mean nothing to the log, and stay as they are; kept with the record, and gone with it. */
  readonly recording?: Uint8Array;
  readonly emitted: readonly NewEvent[];
  readonly next:
    | { readonly state: "done" }
    /** `at`: milliseconds since the Unix epoch. */
    | { readonly state: "retry"; readonly at: number }
    | { readonly state: "dead"; readonly error: InvocationError };
}

export interface Subscription {
  /** The function's name: the name of its place in the log. */
  readonly name: string;
  /**
   * Type patterns (core/pattern.ts). An event addressed to one function (`meta.target`) goes to that
   * one and to nobody else, whatever the patterns say.
   */
  readonly patterns: readonly string[];
  /** Nothing is addressed to it but events whose type its patterns take: some drivers read less then. */
  readonly patternsOnly?: boolean;
  readonly concurrency: number;
  /** The key of an event; undefined: the event waits for nobody. Must not throw. */
  readonly orderKey?: (stored: StoredEvent) => string | undefined;
  readonly start: "latest" | "earliest";
}

export interface EventFilter {
  /** A pattern (core/pattern.ts). */
  readonly type?: string;
  readonly source?: string;
  /** Accepted at or after; milliseconds since the Unix epoch. */
  readonly since?: number;
  /** Accepted before; milliseconds since the Unix epoch. */
  readonly until?: number;
}

export interface InvocationFilter {
  readonly function?: string;
  readonly status?: InvocationStatus;
  /** Started at or after; milliseconds since the Unix epoch. */
  readonly since?: number;
}

export interface DeadLetterFilter {
  readonly function?: string;
  /** A pattern (core/pattern.ts). */
  readonly type?: string;
}

export interface PageRequest {
  /** 1 to 1,000. */
  readonly limit: number;
  /** `nextCursor` of the page before, with the same filter. */
  readonly cursor?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

export type LogEntry =
  | { readonly kind: "event"; readonly stored: StoredEvent }
  | { readonly kind: "invocation"; readonly invocation: Invocation }
  | { readonly kind: "gap"; readonly missed: number };

export interface RetentionPolicy {
  readonly events: Keep;
  readonly invocations: Keep;
}

/** Whichever is reached first. */
export interface Keep {
  readonly maxAgeMs?: number;
  readonly maxBytes?: number;
}

export interface Trimmed {
  readonly events: number;
  readonly invocations: number;
}

export interface LogStatus {
  readonly driver: string;
  readonly connected: boolean;
  /** In words: what an acknowledgement promises. */
  readonly durability: string;
  /** Copies of the log that have all that was acknowledged, as far as the store knows: of its parts, the fewest. */
  readonly copies: number;
  /** As many as there are meant to be. */
  readonly copiesWanted: number;
  /** Position of the newest event; 0 if there is none. */
  readonly tail: number;
  readonly events: number;
  readonly invocations: number;
  readonly deadLetters: number;
  /** On the disk, all together. */
  readonly bytes: number;
}

export interface ConsumerLag {
  readonly name: string;
  /** Matching events not handed out yet, as far as known without reading them; an upper bound. */
  readonly waiting: number;
  /** Handed out and not settled. */
  readonly running: number;
  /** Waiting for their next attempt. */
  readonly retrying: number;
  /** Age of the oldest one not settled, in milliseconds; 0 if there is none. */
  readonly oldestMs: number;
}
