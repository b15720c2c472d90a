import { Deque } from "./deque.ts";

/**
 * Lets items of one key through one by one, in the order they came; different keys do not wait for
 * each other. Who was let through holds its key until `leave`.
 */
export class KeyQueue<T> {
  readonly #keys = new Map<string, { holders: number; readonly waiting: Deque<T> }>();
  #waiting = 0;

  get waitingCount(): number {
    return this.#waiting;
  }

  /** True: the item may go now and holds the key. False: `leave` will return it when its turn comes. */
  enter(key: string, item: T): boolean {
    const entry = this.#keys.get(key);
    if (entry === undefined) {
      this.occupy(key);
      return true;
    }
    entry.waiting.push(item);
    this.#waiting += 1;
    return false;
  }

  /** Holds the key for something that is under way already, beside whoever holds it. */
  occupy(key: string): void {
    const entry = this.#keys.get(key);
    if (entry === undefined) this.#keys.set(key, { holders: 1, waiting: new Deque() });
    else entry.holders += 1;
  }

  /** Gives the key back. Returns the next item, which holds the key now; undefined if none waits. */
  leave(key: string): T | undefined {
    const entry = this.#keys.get(key);
    if (entry === undefined) return undefined;
    entry.holders -= 1;
    if (entry.holders > 0) return undefined;
    const next = entry.waiting.shift();
    if (next === undefined) {
      this.#keys.delete(key);
    } else {
      entry.holders = 1;
      this.#waiting -= 1;
    }
    return next;
  }

  /** Everything that waits, in no order between keys. */
  *waiting(): Generator<T> {
    for (const entry of this.#keys.values()) yield* entry.waiting;
  }
}
