/**
 * A map for entries that come and go by the thousand a second.
 *
 * A Map that loses entries as fast as it gets them is rebuilt all the time, and V8 lets each old table
 * point to the next one. Once one of them lies in the old generation, all that follow are kept with
 * whatever they held, until the next full collection: at 10,000 calls a second that was 5 KB each. The
 * tables here hold keys and numbers only.
 */
export class SlotMap<T, Key extends number | string = number> {
  readonly #slots = new Map<Key, number>();
  readonly #values: (T | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#slots.size;
  }

  has(key: Key): boolean {
    return this.#slots.has(key);
  }

  get(key: Key): T | undefined {
    const slot = this.#slots.get(key);
    return slot === undefined ? undefined : this.#values[slot];
  }

  set(key: Key, value: T): void {
    const slot = this.#slots.get(key) ?? this.#free.pop() ?? this.#values.length;
    this.#slots.set(key, slot);
    this.#values[slot] = value;
  }

  delete(key: Key): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    this.#slots.delete(key);
    this.#values[slot] = undefined;
    this.#free.push(slot);
  }

  /** In the order in which they came. */
  keys(): IterableIterator<Key> {
    return this.#slots.keys();
  }

  *entries(): Generator<readonly [key: Key, value: T]> {
    for (const [key, slot] of this.#slots) yield [key, this.#values[slot]!];
  }
}
