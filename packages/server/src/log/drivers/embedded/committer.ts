import type { StoredEvent } from "../../../core/event.ts";
import type { Invocation } from "../../../core/invocation.ts";
import { NexusError } from "../../../core/errors.ts";
import type { Store, Table } from "./store.ts";

/** What goes to the disk with one fsync, and whoever waits for it. */
export class Batch {
  readonly events: StoredEvent[] = [];
  readonly invocations: Invocation[] = [];
  /** Of events that go with this batch. */
  readonly removedPositions = new Set<number>();
  /** What this batch changes in the log's counters. */
  readonly delta: Counters = {
    events: 0,
    eventBytes: 0,
    invocations: 0,
    invocationBytes: 0,
    deadLetters: 0,
  };
  readonly #writes: Write[] = [];
  readonly #onCommit: (() => void)[] = [];
  readonly #onFailure: (() => void)[] = [];
  readonly #done = Promise.withResolvers<void>();

  constructor() {
    // Whoever waits hears of a failure; with nobody there it must not end the process.
    this.#done.promise.catch(() => undefined);
  }

  /** Resolves when all of it would survive a power cut; rejects when none of it was kept. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  get empty(): boolean {
    return this.#writes.length === 0;
  }

  put(table: Table, key: Buffer, value: Buffer): void {
    this.#writes.push({ table, key, value });
  }

  remove(table: Table, key: Buffer): void {
    this.#writes.push({ table, key, value: undefined });
  }

  /** What to do in memory when it is durable (before `done` resolves), or when it was not kept. */
  on(commit: (() => void) | undefined, failure: (() => void) | undefined): void {
    if (commit !== undefined) this.#onCommit.push(commit);
    if (failure !== undefined) this.#onFailure.push(failure);
  }

  /** To be called inside a transaction. */
  write(): void {
    for (const { table, key, value } of this.#writes) {
      // Their promises never reject: the transaction's does.
      if (value === undefined) void table.remove(key);
      else void table.put(key, value);
    }
  }

  commit(): void {
    for (const callback of this.#onCommit) callback();
    this.#done.resolve();
  }

  fail(error: NexusError): void {
    for (const callback of this.#onFailure) callback();
    this.#done.reject(error);
  }
}

interface Write {
  readonly table: Table;
  readonly key: Buffer;
  readonly value: Buffer | undefined;
}

/** How much the log holds. */
export interface Counters {
  events: number;
  eventBytes: number;
  invocations: number;
  invocationBytes: number;
  deadLetters: number;
}

export interface CommitHooks {
  /** Adds what belongs to every commit, just before it is written. */
  prepare(batch: Batch): void;
  /** Whether there is something to prepare even where nobody wrote anything. */
  waiting(): boolean;
  /** It is durable; whoever waits for it has not heard yet. */
  committed(batch: Batch): void;
}

/**
 * Group commit: while one batch is on its way to the disk everybody writes into the next one, which
 * goes as a whole when the first is there. One fsync serves all who wait.
 *
 * A failed commit takes what was collected meanwhile with it: it may have been written in the belief
 * that the first would be there (duplicates, numbers of names).
 */
export class Committer {
  readonly #store: Store;
  readonly #hooks: CommitHooks;
  #collecting: Batch | undefined;
  #writing: Batch | undefined;
  #scheduled = false;
  #closed = false;
  #idle: (() => void) | undefined;

  constructor(store: Store, hooks: CommitHooks) {
    this.#store = store;
    this.#hooks = hooks;
  }

  /** The batch that is being collected; it goes at the end of this turn of the event loop, or after the one under way. */
  get batch(): Batch {
    if (this.#closed) {
      throw new NexusError("LOG_UNAVAILABLE", "Cannot write to the event log: it is closed");
    }
    if (this.#collecting === undefined) {
      this.#collecting = new Batch();
      if (this.#writing === undefined) this.#schedule();
    }
    return this.#collecting;
  }

  /** Waits for everything under way, then refuses more. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#collecting === undefined && this.#writing === undefined) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Not a microtask: what other callbacks of this turn bring is to go along.
    setImmediate(() => {
      this.#scheduled = false;
      void this.#flush(); // rejects on a bug only: what the disk says, the batch's waiters hear
    });
  }

  async #flush(): Promise<void> {
    while (this.#collecting !== undefined && this.#writing === undefined) {
      const batch = this.#collecting;
      this.#collecting = undefined;
      this.#writing = batch;
      // Nothing but duplicates: they need no transaction.
      const idle = batch.empty && !this.#hooks.waiting();
      const failure = idle ? undefined : await this.#write(batch);
      this.#writing = undefined;
      // Those who wait hear of it in microtasks: what was collected meanwhile is on its way to the disk
      // by then. One turn of the loop later, the disk would rest for as long as their answers take.
      this.#finish(batch, failure);
    }
    if (this.#collecting === undefined && this.#writing === undefined) this.#idle?.();
  }

  #finish(batch: Batch, failure: NexusError | undefined): void {
    if (failure === undefined) {
      this.#hooks.committed(batch);
      batch.commit();
      return;
    }
    const collected = this.#collecting;
    this.#collecting = undefined;
    batch.fail(failure);
    collected?.fail(failure);
  }

  async #write(batch: Batch): Promise<NexusError | undefined> {
    this.#hooks.prepare(batch);
    try {
      await this.#store.transact(() => batch.write());
      return undefined;
    } catch (error) {
      if (error instanceof NexusError) return error;
      throw error;
    }
  }
}
