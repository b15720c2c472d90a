import type { Metrics } from "@nexus-functions/client/api.gen";

/** What `nexus metrics` shows. Durations in seconds; null where nothing was measured. */
export interface Figures {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
  readonly append: Quantiles;
  readonly events: number;
  readonly records: number;
  readonly deadLetters: number;
  readonly bytes: number;
  readonly workers: number;
  readonly workersBusy: number;
  readonly queued: number;
  readonly functions: readonly FunctionFigures[];
}

export interface FunctionFigures extends Quantiles {
  readonly name: string;
  readonly runs: number;
  readonly failed: number;
  readonly waiting: number;
  readonly retrying: number;
  readonly dead: number;
  readonly lagSeconds: number;
}

interface Quantiles {
  readonly p50: number | null;
  readonly p99: number | null;
}

interface ValueSample {
  readonly labels: Labels;
  readonly value: number | null;
}

type Labels = Readonly<Record<string, string>>;

export function figures(summary: Metrics): Figures {
  const invocations = values(summary, "nexus_invocations_total");
  const names = [
    ...invocations.map(({ labels }) => labels["function"]!),
    ...values(summary, "nexus_queue_deliveries").map(({ labels }) => labels["function"]!),
  ];
  return {
    accepted: sum(summary, "nexus_events_total", { status: "accepted" }),
    duplicates: sum(summary, "nexus_events_total", { status: "duplicate" }),
    rejected: sum(summary, "nexus_events_rejected_total"),
    append: quantiles(summary, "nexus_append_duration_seconds"),
    events: sum(summary, "nexus_log_events"),
    records: sum(summary, "nexus_log_invocations"),
    deadLetters: sum(summary, "nexus_log_dead_letters"),
    bytes: sum(summary, "nexus_log_bytes"),
    workers: sum(summary, "nexus_workers"),
    workersBusy: sum(summary, "nexus_workers_busy"),
    queued: sum(summary, "nexus_worker_queue_invocations"),
    functions: [...new Set(names)].sort().map((name) => functionFigures(summary, name)),
  };
}

function functionFigures(summary: Metrics, name: string): FunctionFigures {
  const runs = sum(summary, "nexus_invocations_total", { function: name });
  const of = { function: name };
  return {
    name,
    runs,
    failed: runs - sum(summary, "nexus_invocations_total", { ...of, status: "succeeded" }),
    waiting: sum(summary, "nexus_queue_deliveries", { ...of, state: "waiting" }),
    retrying: sum(summary, "nexus_queue_deliveries", { ...of, state: "retrying" }),
    dead: sum(summary, "nexus_deliveries_total", { ...of, state: "dead" }),
    lagSeconds: sum(summary, "nexus_queue_lag_seconds", of),
    ...quantiles(summary, "nexus_invocation_duration_seconds", of),
  };
}

function sum(summary: Metrics, metric: string, labels: Labels = {}): number {
  return values(summary, metric)
    .filter((sample) => has(sample.labels, labels))
    .reduce((total, { value }) => total + (value ?? 0), 0);
}

function quantiles(summary: Metrics, metric: string, labels: Labels = {}): Quantiles {
  const found = summary[metric];
  const samples = found?.type === "histogram" ? found.samples : [];
  const { p50 = null, p99 = null } = samples.find((sample) => has(sample.labels, labels)) ?? {};
  return { p50, p99 };
}

function values(summary: Metrics, metric: string): readonly ValueSample[] {
  const found = summary[metric];
  return found === undefined || found.type === "histogram" ? [] : found.samples;
}

function has(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
