import type { StoredEvent } from "../../../core/event.ts";
import { Deque } from "../../deque.ts";
import type { Subscription } from "../../log.ts";
import { KeyQueue } from "../../order.ts";
import type { Item } from "./retries.ts";

/**
 * What a consumer has come past and not handed out: deliveries that wait for their key, those whose
 * turn has come, and the holes that a restart or an ended iteration left.
 */
export class Waiting {
  #holes = new Deque<number>();
  #released = new Deque<Item>();
  #order: KeyQueue<Item> | undefined;
  #orderKey: Subscription["orderKey"];

  constructor(holes: readonly number[]) {
    for (const hole of holes) this.#holes.push(hole);
  }

  get ordered(): boolean {
    return this.#order !== undefined;
  }

  /** Deliveries that have or want a key. */
  get keyed(): number {
    return this.#released.length + (this.#order?.waitingCount ?? 0);
  }

  /** Positions that have no row in `pending` to be found by. */
  get holes(): number[] {
    const holes = [...this.#holes];
    for (const item of this.#released) if (!item.row) holes.push(item.position);
    for (const item of this.#order?.waiting() ?? []) if (!item.row) holes.push(item.position);
    return holes.sort((a, b) => a - b);
  }

  start(orderKey: Subscription["orderKey"]): void {
    this.#orderKey = orderKey;
    this.#order = orderKey === undefined ? undefined : new KeyQueue();
  }

  /** Everything becomes a hole again. */
  stop(): void {
    const { holes } = this;
    this.#holes = new Deque();
    for (const hole of holes) this.#holes.push(hole);
    this.#released = new Deque();
    this.start(undefined);
  }

  /** Lets an item hold its key that did not ask for it: it is out already, or waits for another attempt. */
  occupy(item: Item, stored: StoredEvent): void {
    item.key = this.#orderKey?.(stored);
    if (item.key !== undefined) this.#order?.occupy(item.key);
  }

  /** True: it may go now. False: it waits for its key and comes out of `leave`. */
  admits(item: Item, stored: StoredEvent): boolean {
    if (item.admitted || this.#order === undefined) return true;
    item.key = this.#orderKey?.(stored);
    item.admitted = item.key === undefined || this.#order.enter(item.key, item);
    return item.admitted;
  }

  /**
   * Gives an item's key back. Whoever is next comes out of `released`, or is returned where it has a
   * row in `pending`, which is where it comes from then.
   */
  leave({ key }: Item): Item | undefined {
    const next = key === undefined ? undefined : this.#order?.leave(key);
    if (next === undefined) return undefined;
    next.admitted = true;
    if (next.row) return next;
    this.#released.push(next);
    return undefined;
  }

  released(): Item | undefined {
    return this.#released.shift();
  }

  hole(): Item | undefined {
    const position = this.#holes.shift();
    return position === undefined ? undefined : firstAttempt(position);
  }
}

/** A delivery that was never tried. */
export function firstAttempt(position: number): Item {
  return { position, attempt: 1, row: false, key: undefined, admitted: false };
}
