/** Positions of one log, rising, and what became of them in another; runs of neighbours cost one entry. */
export class PositionMap {
  readonly #runs: { readonly from: number; readonly to: number; length: number }[] = [];

  add(from: number, to: number): void {
    const last = this.#runs.at(-1);
    if (last !== undefined && from === last.from + last.length && to === last.to + last.length) {
      last.length += 1;
    } else {
      this.#runs.push({ from, to, length: 1 });
    }
  }

  /** Undefined: it was not added. */
  get(from: number): number | undefined {
    const run = this.#runs[this.#after(from) - 1];
    const offset = from - (run?.from ?? 0);
    return run !== undefined && offset < run.length ? run.to + offset : undefined;
  }

  /** What became of the first one at or after this; undefined: there is none. */
  firstFrom(from: number): number | undefined {
    return this.get(from) ?? this.#runs[this.#after(from)]?.to;
  }

  /** How many runs begin at or before a position. */
  #after(from: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#runs[middle]!.from <= from) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
