import type { Quantiles } from "./report.ts";

/** How values spread, in bounded room: a count for each tenth of growth. */
export class Distribution {
  readonly #counts: Map<number, number>;
  #max: number;

  constructor(state: DistributionState = { counts: [], max: 0 }) {
    this.#counts = new Map(state.counts);
    this.#max = state.max;
  }

  add(value: number): void {
    const bucket = value <= LEAST ? 0 : Math.ceil(Math.log(value / LEAST) / GROWTH);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#max = Math.max(this.#max, value);
  }

  merge(state: DistributionState): void {
    for (const [bucket, count] of state.counts)
      this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count);
    this.#max = Math.max(this.#max, state.max);
  }

  quantiles(): Quantiles {
    const sorted = [...this.#counts].sort(([one], [other]) => one - other);
    const total = sorted.reduce((sum, [, count]) => sum + count, 0);
    if (total === 0) return { p50: null, p95: null, max: null };
    const at = (share: number): number => {
      let left = Math.ceil(total * share);
      for (const [bucket, count] of sorted) {
        left -= count;
        if (left <= 0) return Math.min(middleOf(bucket), this.#max);
      }
      return this.#max;
    };
    return { p50: at(0.5), p95: at(0.95), max: this.#max };
  }

  state(): DistributionState {
    return {
      counts: [...this.#counts].sort(([one], [other]) => one - other),
      max: this.#max,
    };
  }
}

export interface DistributionState {
  readonly counts: readonly (readonly [bucket: number, count: number])[];
  readonly max: number;
}

/** What is smaller is not told apart: a microsecond. */
const LEAST = 0.001;
const GROWTH = Math.log(1.1);

function middleOf(bucket: number): number {
  return bucket === 0 ? 0 : Number((LEAST * Math.exp(GROWTH * (bucket - 0.5))).toPrecision(3));
}
