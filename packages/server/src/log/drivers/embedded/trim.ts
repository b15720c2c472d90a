import { NexusError } from "../../../core/errors.ts";
import type { Keep, RetentionPolicy, Trimmed } from "../../log.ts";
import { acceptedAtOf, decodeEvent } from "./codec.ts";
import type { Committer, Counters } from "./committer.ts";
import type { Consumers } from "./consumers.ts";
import { decodeCursorRow } from "./cursors.ts";
import type { Events } from "./events.ts";
import { bytesOf, type Invocations, startedAtOf } from "./invocations.ts";
import { positionKey, positionOf } from "./keys.ts";
import type { Store, Table } from "./store.ts";

/** Entries removed with one commit. On a full disk fewer may go where many do not: removing takes pages too. */
const STEP = 200;

/**
 * Removes what retention does not keep. LMDB uses the pages again for what comes next; the file itself
 * does not shrink.
 *
 * An event stays while a dead letter, a retry or an unsettled delivery of whatever function needs it, or
 * while a consumer of this process has still to come to it. A function that is not consumed any more
 * does not hold up what it never got.
 */
export class Retention {
  readonly #store: Store;
  readonly #committer: Committer;
  readonly #events: Events;
  readonly #invocations: Invocations;
  readonly #consumers: Consumers;
  readonly #counters: () => Counters;
  readonly #now: () => number;

  constructor(options: {
    store: Store;
    committer: Committer;
    events: Events;
    invocations: Invocations;
    consumers: Consumers;
    counters: () => Counters;
    now: () => number;
  }) {
    this.#store = options.store;
    this.#committer = options.committer;
    this.#events = options.events;
    this.#invocations = options.invocations;
    this.#consumers = options.consumers;
    this.#counters = options.counters;
    this.#now = options.now;
  }

  async trim(policy: RetentionPolicy, signal: AbortSignal | undefined): Promise<Trimmed> {
    const invocations = await this.#sweep(policy.invocations, signal, {
      table: this.#store.invocations,
      bytes: () => this.#counters().invocationBytes,
      timeOf: (key) => startedAtOf(key.toString("utf8")),
      bytesOf,
      keeper: () => () => false,
      remove: (key, value) => this.#invocations.remove(this.#committer.batch, key, value),
    });
    const needed = this.#needed();
    const events = await this.#sweep(policy.events, signal, {
      table: this.#store.events,
      bytes: () => this.#counters().eventBytes,
      timeOf: (_key, value) => acceptedAtOf(value),
      bytesOf: (value) => value.length,
      keeper: () => this.#keeper(needed),
      remove: (key, value) => this.#events.remove(this.#committer.batch, key, value),
    });
    return { events, invocations };
  }

  async #sweep(keep: Keep, signal: AbortSignal | undefined, what: Sweep): Promise<number> {
    const { maxAgeMs = Infinity, maxBytes = Infinity } = keep;
    if (maxAgeMs === Infinity && maxBytes === Infinity) return 0;
    let removed = 0;
    let start = Buffer.from([0]);
    let step = STEP;
    for (;;) {
      if (signal?.aborted === true) return removed;
      let over = what.bytes() - maxBytes;
      const tooOld = this.#now() - maxAgeMs;
      let seen = 0;
      let taken = 0;
      const from = start;
      const keeps = what.keeper();
      for (const { key, value } of what.table.getRange({ start, limit: step })) {
        if (over <= 0 && what.timeOf(key, value) >= tooOld) break;
        seen += 1;
        start = Buffer.concat([key, Buffer.from([0])]);
        if (keeps(key, value)) continue;
        what.remove(key, value);
        over -= what.bytesOf(value);
        taken += 1;
      }
      if (taken > 0 && !(await this.#committed(step))) {
        start = from;
        step = Math.ceil(step / 10);
        continue;
      }
      removed += taken;
      if (seen < step) return removed;
      await new Promise(setImmediate);
    }
  }

  /** False: there was no room for a step of this size, and a smaller one is worth trying. */
  async #committed(step: number): Promise<boolean> {
    try {
      await this.#committer.batch.done;
      return true;
    } catch (error) {
      if (step > 1 && error instanceof NexusError && error.code === "LOG_FULL") return false;
      throw error;
    }
  }

  #keeper(needed: ReadonlySet<number>): (key: Buffer, value: Buffer) => boolean {
    const outstanding = this.#consumers.outstanding();
    return (key, value) => {
      const position = positionOf(key);
      return (
        needed.has(position) ||
        outstanding.has(position) ||
        this.#held(position) ||
        this.#consumers.awaits(decodeEvent(position, value))
      );
    };
  }

  /** A retry or a dead letter needs it. */
  #held(position: number): boolean {
    const range = { start: positionKey(position), end: positionKey(position + 1), limit: 1 };
    return this.#store.holds.getKeysCount(range) > 0;
  }

  /** What consumers that this process has not served left unsettled. */
  #needed(): Set<number> {
    const positions = new Set<number>();
    for (const { value } of this.#store.cursors.getRange({})) {
      for (const hole of decodeCursorRow(value).holes) positions.add(hole);
    }
    return positions;
  }
}

/** One table to sweep, oldest first. */
interface Sweep {
  readonly table: Table;
  readonly bytes: () => number;
  readonly timeOf: (key: Buffer, value: Buffer) => number;
  /** What goes with an entry, as `bytes` counts it. */
  readonly bytesOf: (value: Buffer) => number;
  /** Made for one step: tells whether something still needs an entry. */
  readonly keeper: () => (key: Buffer, value: Buffer) => boolean;
  readonly remove: (key: Buffer, value: Buffer) => void;
}
