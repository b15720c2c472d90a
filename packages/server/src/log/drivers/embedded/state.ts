import type { Batch, Counters } from "./committer.ts";
import type { Store } from "./store.ts";

/** In the table `meta`. */
export const STATE_KEY = Buffer.from("state");

/** What a log's entry says, for those that only read it. */
export function keptState(value: Buffer | undefined): { tail: number; counters: Counters } {
  if (value === undefined) return { tail: 0, counters: NONE };
  const { newest, counters } = JSON.parse(value.toString("latin1")) as Kept;
  return { tail: newest.tail, counters };
}

const NONE: Counters = {
  events: 0,
  eventBytes: 0,
  invocations: 0,
  invocationBytes: 0,
  deadLetters: 0,
};

/** The newest event that is durable. */
export interface Newest {
  readonly tail: number;
  readonly acceptedAt: number;
}

/** What the log knows about itself as a whole; one entry, written with every commit. */
export class State {
  readonly #store: Store;
  #counters: Counters = NONE;
  #newest: Newest = { tail: 0, acceptedAt: 0 };
  #nextName = 1;

  constructor(store: Store) {
    this.#store = store;
    const value = store.meta.get(STATE_KEY);
    if (value === undefined) return;
    const kept = JSON.parse(value.toString("latin1")) as Kept;
    this.#counters = kept.counters;
    this.#newest = kept.newest;
    this.#nextName = kept.nextName;
  }

  get counters(): Counters {
    return this.#counters;
  }

  get newest(): Newest {
    return this.#newest;
  }

  /** The next number for a name, as of the start. */
  get nextName(): number {
    return this.#nextName;
  }

  /** Makes the next position come after this one, as of the next commit. */
  moveTail(tail: number): void {
    const { acceptedAt } = this.#newest;
    this.#newest = { tail: Math.max(tail, this.#newest.tail), acceptedAt };
  }

  prepare(batch: Batch, nextName: number): void {
    const last = batch.events.at(-1);
    const newest =
      last === undefined ? this.#newest : { tail: last.position, acceptedAt: last.acceptedAt };
    const { delta } = batch;
    const counters: Counters = {
      events: this.#counters.events + delta.events,
      eventBytes: this.#counters.eventBytes + delta.eventBytes,
      invocations: this.#counters.invocations + delta.invocations,
      invocationBytes: this.#counters.invocationBytes + delta.invocationBytes,
      deadLetters: this.#counters.deadLetters + delta.deadLetters,
    };
    const kept: Kept = { counters, newest, nextName };
    batch.put(this.#store.meta, STATE_KEY, Buffer.from(JSON.stringify(kept)));
    batch.on(() => {
      this.#newest = newest;
      this.#counters = counters;
    }, undefined);
  }
}

interface Kept {
  readonly counters: Counters;
  readonly newest: Newest;
  readonly nextName: number;
}
