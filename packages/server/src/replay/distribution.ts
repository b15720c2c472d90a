import type { Quantiles } from "./report.ts";

/** How values spread, in bounded room: for each tenth of growth, how many there were and the largest of them. */
export class Distribution {
  readonly #buckets = new Map<number, Bucket>();

  constructor(state: DistributionState = { buckets: [] }) {
    this.merge(state);
  }

  add(value: number): void {
    const bucket = value <= LEAST ? 0 : Math.ceil(Math.log(value / LEAST) / GROWTH);
    this.#put(bucket, 1, value);
  }

  merge({ buckets }: DistributionState): void {
    for (const [bucket, count, largest] of buckets) this.#put(bucket, count, largest);
  }

  quantiles(): Quantiles {
    const sorted = this.state().buckets;
    const last = sorted.at(-1);
    if (last === undefined) return { p50: null, p95: null, max: null };
    const total = sorted.reduce((sum, [, count]) => sum + count, 0);
    const at = (share: number): number => {
      let left = Math.ceil(total * share);
      for (const [, count, largest] of sorted) {
        left -= count;
        if (left <= 0) return largest;
      }
      return last[2];
    };
    return { p50: at(0.5), p95: at(0.95), max: last[2] };
  }

  state(): DistributionState {
    const buckets = [...this.#buckets].map(
      ([bucket, { count, largest }]) => [bucket, count, largest] as const,
    );
    return { buckets: buckets.sort(([one], [other]) => one - other) };
  }

  #put(bucket: number, count: number, largest: number): void {
    const own = this.#buckets.get(bucket) ?? { count: 0, largest };
    own.count += count;
    own.largest = Math.max(own.largest, largest);
    this.#buckets.set(bucket, own);
  }
}

interface Bucket {
  count: number;
  largest: number;
}

export interface DistributionState {
  readonly buckets: readonly (readonly [bucket: number, count: number, largest: number])[];
}

/** What is smaller is not told apart: a microsecond. */
const LEAST = 0.001;
const GROWTH = Math.log(1.1);
