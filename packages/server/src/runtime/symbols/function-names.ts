import { Cursor, Unreadable } from "./cursor.ts";

const FUNCTION_NAMES = 1;
/** Names of functions behind the millionth are not read. */
const MOST_FUNCTIONS = 1_000_000;

/** The names of functions from a module's section `name`. */
export class FunctionNames {
  readonly #section: Uint8Array;
  /** Where the name of a function begins; 0: it has none. */
  #places = new Uint32Array(0);

  /** Never throws: what cannot be read is left out. */
  constructor(section: Uint8Array) {
    this.#section = section;
    try {
      this.#read();
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
  }

  get(index: number): string | undefined {
    const place = this.#places[index] ?? 0;
    if (place === 0) return undefined;
    const cursor = new Cursor(this.#section, place);
    return cursor.textOf(cursor.uleb());
  }

  #read(): void {
    const cursor = new Cursor(this.#section);
    while (!cursor.done) {
      const kind = cursor.u8();
      const length = cursor.uleb();
      const start = cursor.at;
      cursor.skip(length);
      if (kind === FUNCTION_NAMES) this.#readNames(new Cursor(this.#section, start, cursor.at));
    }
  }

  #readNames(cursor: Cursor): void {
    const count = cursor.uleb();
    this.#places = new Uint32Array(Math.min(count, cursor.end - cursor.at));
    for (let left = count; left > 0; left -= 1) {
      const index = cursor.uleb();
      const place = cursor.at;
      cursor.skip(cursor.uleb());
      if (index >= MOST_FUNCTIONS) continue;
      if (index >= this.#places.length) this.#grow(index + 1);
      this.#places[index] = place;
    }
  }

  // Imported functions often have no names, so that indices run ahead of the count.
  #grow(needed: number): void {
    const larger = new Uint32Array(Math.min(2 * needed, MOST_FUNCTIONS));
    larger.set(this.#places);
    this.#places = larger;
  }
}
