import { Deque } from "../../deque.ts";
import type { Pending } from "./pending.ts";

/** One delivery on its way through a consumer. */
export interface Item {
  readonly position: number;
  readonly attempt: number;
  /** It has a row in `pending`: it is no hole of the cursor. */
  readonly row: boolean;
  /** Of an ordered consumer; undefined: it waits for nobody. */
  key: string | undefined;
  /** It needs not ask for its key: it holds it, or there is none. */
  admitted: boolean;
}

const MAX_TIMER_MS = 2 ** 31 - 1;
const BATCH = 256;

/**
 * The deliveries of one consumer that wait for their next attempt. They lie in the store in order of
 * when they are due and come into memory in small batches; only those that hold a key stay in memory.
 */
export class Retries {
  readonly #name: number;
  readonly #pending: Pending;
  readonly #now: () => number;
  readonly #wake: () => void;
  /** Positions whose row must not be read again: they are held, in #due, out, or wait for a key. */
  readonly #inMemory = new Set<number>();
  readonly #held = new Map<number, { readonly item: Item; readonly dueAt: number }>();
  readonly #due = new Deque<Item>();
  #nextHeld = Infinity;
  /** When the first row that is not in memory is due, as far as known. */
  #nextRow = 0;
  #timer: NodeJS.Timeout | undefined;
  #armedFor = Infinity;
  #rows: number;
  #active = false;

  constructor(name: number, pending: Pending, options: { now: () => number; wake: () => void }) {
    this.#name = name;
    this.#pending = pending;
    this.#now = options.now;
    this.#wake = options.wake;
    this.#rows = pending.count(name);
  }

  /** Rows in the store, those out again included. */
  get rows(): number {
    return this.#rows;
  }

  /** Deliveries that hold their key and wait. */
  get held(): number {
    return this.#held.size;
  }

  /** A row became durable. `item`: it holds its key meanwhile. */
  added(position: number, dueAt: number, item?: Item): void {
    this.#rows += 1;
    if (item === undefined) {
      this.#inMemory.delete(position);
      this.#nextRow = Math.min(this.#nextRow, dueAt);
    } else {
      this.hold(item, dueAt);
    }
    this.#arm(Math.min(this.#nextHeld, this.#nextRow));
  }

  hold(item: Item, dueAt: number): void {
    this.#inMemory.add(item.position);
    this.#held.set(item.position, { item, dueAt });
    this.#nextHeld = Math.min(this.#nextHeld, dueAt);
  }

  /** The removal of a row became durable. */
  removed(position: number): void {
    this.#rows -= 1;
    this.#inMemory.delete(position);
  }

  /** The next delivery that is due. `heldOnly`: there is no room for one that would have to ask for its key. */
  next(heldOnly: boolean): Item | undefined {
    const now = this.#now();
    if (this.#nextHeld <= now) this.#releaseHeld(now);
    if (this.#due.length === 0 && !heldOnly && this.#nextRow <= now) this.#readDue(now);
    return this.#due.shift();
  }

  /** Sets the alarm for the next one; to be called when `next` has nothing. */
  sleep(heldOnly: boolean): void {
    this.#arm(heldOnly ? this.#nextHeld : Math.min(this.#nextHeld, this.#nextRow));
  }

  start(): void {
    this.#active = true;
  }

  /** Forgets everything but `out`, what is handed out. */
  stop(out: Iterable<number>): void {
    this.#active = false;
    this.#disarm();
    this.#inMemory.clear();
    for (const position of out) this.#inMemory.add(position);
    this.#held.clear();
    this.#due.clear();
    this.#nextHeld = Infinity;
    this.#nextRow = 0;
  }

  #releaseHeld(now: number): void {
    this.#nextHeld = Infinity;
    for (const [position, { item, dueAt }] of this.#held) {
      if (dueAt <= now) {
        this.#held.delete(position);
        this.#due.push(item);
      } else {
        this.#nextHeld = Math.min(this.#nextHeld, dueAt);
      }
    }
  }

  #readDue(now: number): void {
    this.#nextRow = Infinity;
    for (const { position, dueAt } of this.#pending.byDue(this.#name)) {
      if (this.#inMemory.has(position)) continue;
      if (dueAt > now || this.#due.length >= BATCH) {
        this.#nextRow = dueAt;
        return;
      }
      const row = this.#pending.get(this.#name, position)!;
      this.#inMemory.add(position);
      this.#due.push({
        position,
        attempt: row.attempt,
        row: true,
        key: undefined,
        admitted: false,
      });
    }
  }

  #arm(at: number): void {
    if (at === this.#armedFor) return;
    this.#disarm();
    if (!this.#active || at === Infinity || this.#due.length > 0) return;
    this.#armedFor = at;
    const delay = Math.min(Math.max(1, at - this.#now()), MAX_TIMER_MS);
    this.#timer = setTimeout(() => {
      this.#armedFor = Infinity;
      this.#wake();
    }, delay);
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#armedFor = Infinity;
  }
}
