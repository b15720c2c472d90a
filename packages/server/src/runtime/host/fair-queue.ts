/**
 * Takes turns between keys: one that has much waiting does not make the others wait. Within a key,
 * first in, first out.
 */
export class FairQueue<T> {
  // In the order of turns: whoever was served goes to the end.
  readonly #byKey = new Map<string, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Whether something waits under this key. */
  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  push(key: string, item: T): void {
    this.#of(key).push(item);
    this.#size += 1;
  }

  /** For what was taken and could not be used: it comes before all that wait under its key. */
  pushFront(key: string, item: T): void {
    this.#of(key).unshift(item);
    this.#size += 1;
  }

  /** The first key in turn whose next item may go: that item; undefined where none may. */
  take(mayGo: (item: T) => boolean): T | undefined {
    for (const [key, items] of this.#byKey) {
      if (!mayGo(items[0]!)) continue;
      const item = items.shift();
      this.#byKey.delete(key);
      if (items.length > 0) this.#byKey.set(key, items);
      this.#size -= 1;
      return item;
    }
    return undefined;
  }

  remove(key: string, item: T): boolean {
    const items = this.#byKey.get(key);
    const index = items?.indexOf(item) ?? -1;
    if (items === undefined || index === -1) return false;
    items.splice(index, 1);
    this.#size -= 1;
    if (items.length === 0) this.#byKey.delete(key);
    return true;
  }

  #of(key: string): T[] {
    const items = this.#byKey.get(key) ?? [];
    this.#byKey.set(key, items);
    return items;
  }
}
