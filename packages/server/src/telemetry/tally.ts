import type { Counter, Metric, Registry } from "prom-client";

/** Counts between two scrapes; one increment of a property, a tenth of what the library's own costs. */
export interface Tally {
  pending: number;
}

export class TallyCounter<L extends string> {
  readonly #counter: Counter<L>;
  readonly #tallies: { readonly labels: Record<L, string>; readonly tally: Tally }[] = [];

  constructor(counter: Counter<L>) {
    this.#counter = counter;
  }

  /** A tally that is shown from now on, as 0 at first. Once for each set of labels: the caller keeps it. */
  tally(labels: Record<L, string>): Tally {
    const tally = { pending: 0 };
    this.#counter.inc(labels, 0);
    this.#tallies.push({ labels, tally });
    return tally;
  }

  /** Moves what has been counted into the registry. */
  flush(): void {
    for (const { labels, tally } of this.#tallies) {
      if (tally.pending === 0) continue;
      this.#counter.inc(labels, tally.pending);
      tally.pending = 0;
    }
  }
}

interface HistogramOptions<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly L[];
  /** Upper bounds, rising. */
  readonly buckets: readonly number[];
}

/** The observations of one set of labels. */
export class Series {
  readonly #bounds: readonly number[];
  /** By bound; the last one is beyond all of them. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = [...bounds, Infinity].map(() => 0);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > this.#bounds[bucket]!) bucket += 1;
    this.counts[bucket]! += 1;
    this.sum += value;
  }
}

/** A histogram for the library's registry. The library's own looks up its labels, as text, at every observation: 0.9 µs. */
export class TallyHistogram<L extends string> {
  readonly #options: HistogramOptions<L>;
  readonly #series: { readonly labels: Record<L, string>; readonly series: Series }[] = [];

  constructor(options: HistogramOptions<L>, registry: Registry) {
    this.#options = options;
    // The registry asks for no more than a name and `get`.
    registry.registerMetric(this as unknown as Metric<L>);
  }

  get name(): string {
    return this.#options.name;
  }

  /** Shown as soon as something was observed. Once for each set of labels: the caller keeps it. */
  series(labels: Record<L, string>): Series {
    const series = new Series(this.#options.buckets);
    this.#series.push({ labels, series });
    return series;
  }

  get(): unknown {
    const { name, help, labelNames } = this.#options;
    const shown = this.#series.filter(
      ({ series }) => labelNames.length === 0 || series.counts.some((count) => count > 0),
    );
    const values = shown.flatMap(({ labels, series }) => this.#values(labels, series));
    return { name, help, type: "histogram", values, aggregator: "sum" };
  }

  #values(labels: Record<L, string>, { counts, sum }: Series) {
    const { name, buckets } = this.#options;
    let total = 0;
    const values: object[] = counts.map((count, bucket) => {
      total += count;
      return {
        metricName: `${name}_bucket`,
        labels: { le: buckets[bucket] ?? "+Inf", ...labels },
        value: total,
      };
    });
    values.push({ metricName: `${name}_sum`, labels, value: sum });
    values.push({ metricName: `${name}_count`, labels, value: total });
    return values;
  }
}
