/** Where in a source text an instruction comes from. */
export interface Source {
  readonly file: string;
  readonly line: number;
  /** From 1; undefined where only the line is known. */
  readonly column: number | undefined;
}

/** The most places kept of one module; what comes behind is not found. */
const MOST_PLACES = 1_000_000;
const NUMBERS = 4;
const FIRST_PLACES = 1_024;

/** Places in order of their addresses, in little memory: address, file, line and column of each. */
export class Places {
  #numbers = new Uint32Array(FIRST_PLACES * NUMBERS);
  length = 0;

  get full(): boolean {
    return this.length === MOST_PLACES;
  }

  address(index: number): number {
    return this.#numbers[index * NUMBERS]!;
  }

  place(index: number): { readonly file: number; readonly line: number; readonly column: number } {
    const at = index * NUMBERS;
    const [file, line, column] = this.#numbers.subarray(at + 1, at + NUMBERS);
    return { file: file!, line: line!, column: column! };
  }

  add(address: number, place: readonly [file: number, line: number, column: number]): void {
    if (this.full) return;
    const at = this.length * NUMBERS;
    if (at === this.#numbers.length) {
      const larger = new Uint32Array(2 * this.#numbers.length);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[at] = address;
    this.#numbers.set(place, at + 1);
    this.length += 1;
  }

  /** The last one among these at the address or before it; undefined: none. */
  find(address: number, from = 0, to = this.length): number | undefined {
    let [low, high] = [from, to];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.address(middle) <= address) low = middle + 1;
      else high = middle;
    }
    return low === from ? undefined : low - 1;
  }
}
