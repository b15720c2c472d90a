import type { Batch } from "./committer.ts";
import { decodeCursorRow, encodeCursorRow } from "./cursors.ts";
import { MARK, namedPositionKey, nameKeyOf, positionOf } from "./keys.ts";
import type { Store } from "./store.ts";

/** How far one consumer has come, as the store has it. */
export class Place {
  readonly #name: number;
  readonly #store: Store;
  /** Settled where the cursor has not come to yet: claims of a consumer that is behind. */
  readonly #ahead = new Set<number>();
  /** As of the start; undefined: the name is new to the log. */
  readonly atStart: { readonly high: number; readonly holes: readonly number[] } | undefined;

  constructor(name: number, store: Store) {
    this.#name = name;
    this.#store = store;
    const row = store.cursors.get(nameKeyOf(name));
    this.atStart = row === undefined ? undefined : decodeCursorRow(row);
    const range = { start: namedPositionKey(name, 0), end: namedPositionKey(name + 1, 0) };
    for (const key of store.ahead.getKeys(range)) this.#ahead.add(positionOf(key, 4));
  }

  /** Whether this position was settled before the cursor came to it. */
  isAhead(position: number): boolean {
    return this.#ahead.has(position);
  }

  /**
   * Writes the place: settled up to `high` but for the holes, and beyond it what `settled` names and
   * earlier calls did.
   */
  write(
    batch: Batch,
    place: { high: number; holes: readonly number[]; settled: readonly number[] },
  ): void {
    const { high, holes, settled } = place;
    const { cursors, ahead } = this.#store;
    batch.put(cursors, nameKeyOf(this.#name), encodeCursorRow({ high, holes }));
    for (const position of settled) {
      if (position <= high) continue;
      batch.put(ahead, namedPositionKey(this.#name, position), MARK);
      batch.on(() => this.#ahead.add(position), undefined);
    }
    for (const position of this.#ahead) {
      if (position > high) break;
      this.#ahead.delete(position);
      batch.remove(ahead, namedPositionKey(this.#name, position));
    }
  }
}
