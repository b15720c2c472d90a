import type { Registry } from "prom-client";
import type { HistogramSample, MetricSummary, ValueSample } from "./telemetry.ts";

/** A metric as prom-client's `getMetricsAsJSON()` really gives it; its own types call `type` a number. */
interface ExportedMetric {
  readonly name: string;
  readonly help: string;
  /** Prometheus has summaries too; neither we nor prom-client's process metrics make any. */
  readonly type: "counter" | "gauge" | "histogram";
  readonly values: readonly ExportedValue[];
}

interface ExportedValue {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** Of a histogram: its name with `_bucket`, `_sum` or `_count`. */
  readonly metricName?: string;
}

/** All that a registry holds as plain JSON, by metric name. */
export async function summarise(
  registry: Registry,
): Promise<Readonly<Record<string, MetricSummary>>> {
  const metrics = (await registry.getMetricsAsJSON()) as unknown as readonly ExportedMetric[];
  return Object.fromEntries(metrics.map((metric) => [metric.name, summary(metric)]));
}

function summary({ name, help, type, values }: ExportedMetric): MetricSummary {
  return type === "histogram"
    ? { type, help, samples: histograms(name, values) }
    : { type, help, samples: values.map(valueSample) };
}

function valueSample({ labels, value }: ExportedValue): ValueSample {
  return { labels: texts(labels), value };
}

interface Bucket {
  readonly upperBound: number;
  /** Observations up to the bound, those of smaller buckets included. */
  readonly cumulative: number;
}

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly buckets: Bucket[];
  sum: number;
}

function histograms(name: string, values: readonly ExportedValue[]): readonly HistogramSample[] {
  const series = new Map<string, Series>();
  for (const { labels, value, metricName } of values) {
    const { le, ...own } = labels;
    const key = JSON.stringify(own);
    const one = series.get(key) ?? { labels: texts(own), buckets: [], sum: 0 };
    series.set(key, one);
    if (metricName === `${name}_sum`) one.sum = value;
    if (metricName === `${name}_bucket`) {
      one.buckets.push({ upperBound: le === "+Inf" ? Infinity : Number(le), cumulative: value });
    }
  }
  return [...series.values()].map(({ labels, buckets, sum }) => ({
    labels,
    count: buckets.at(-1)?.cumulative ?? 0,
    sum,
    p50: quantile(buckets, 0.5),
    p90: quantile(buckets, 0.9),
    p99: quantile(buckets, 0.99),
  }));
}

/**
 * PromQL's histogram_quantile: linear inside the bucket that holds the rank; beyond the last bound, that
 * bound. `buckets` rise and end with +Inf.
 */
export function quantile(buckets: readonly Bucket[], q: number): number | null {
  const total = buckets.at(-1)?.cumulative ?? 0;
  if (total === 0) return null;
  const rank = q * total;
  const index = buckets.findIndex(({ cumulative }) => cumulative >= rank);
  const { upperBound, cumulative } = buckets[index]!;
  const below = buckets[index - 1] ?? { upperBound: 0, cumulative: 0 };
  if (upperBound === Infinity) return below.upperBound;
  const share = (rank - below.cumulative) / (cumulative - below.cumulative);
  return below.upperBound + (upperBound - below.upperBound) * share;
}

function texts(labels: Readonly<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]));
}
