import type { InvocationStatus, InvocationTrigger } from "../core/invocation.ts";
import type { TraceContext } from "../core/trace.ts";

/** Structured log lines. Fields are plain data; `trace_id`, `event_id`, `function` where they are known. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  with(fields: LogFields): Logger;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** What the rooms report; each call costs well under a microsecond. Durations in milliseconds. */
export interface Meter {
  httpRequest(route: string, method: string, status: number, durationMs: number): void;
  /** A request was refused because there were too many. */
  requestLimited(limit: RateLimit): void;
  eventAccepted(
    source: "http" | "nats" | "emit" | "cron",
    status: "accepted" | "duplicate",
    count?: number,
  ): void;
  eventRejected(code: string): void;
  /** A tick that is kept: due at `dueAt` (milliseconds since the Unix epoch), and so much later durable. */
  cronTick(fn: string, dueAt: number, lateMs: number): void;
  appendDuration(durationMs: number): void;
  deliveryStarted(fn: string, waitedMs: number): void;
  deliveryEnded(fn: string, state: "done" | "retry" | "dead"): void;
  invocation(
    fn: string,
    trigger: InvocationTrigger,
    status: InvocationStatus,
    durationMs: number,
    cold: boolean,
  ): void;
  /** A recorded run was made again, and went the same way or not. */
  replayVerified(fn: string, identical: boolean): void;
}

/** Of one client's requests, or of the wrong API tokens of one address. */
export type RateLimit = "requests" | "wrong_tokens";

/** Spans of OpenTelemetry; all of it costs nothing where no exporter is configured. */
export interface Tracer {
  /** Whether spans go anywhere. */
  readonly enabled: boolean;
  /**
   * The first span of a new trace, `sampled` as the sampler decides. Where there is a parent, its
   * decision stands: `childTrace(parent)`.
   */
  root(): TraceContext;
  /** Reports a finished span. */
  span(span: FinishedSpan): void;
  /** Sends what is buffered, or waits no longer once `signal` aborts. */
  flush(signal?: AbortSignal): Promise<void>;
}

export interface FinishedSpan {
  readonly name: string;
  readonly kind: "server" | "producer" | "consumer" | "internal";
  readonly trace: TraceContext;
  /** Absent: the root of its trace. */
  readonly parentSpanId?: string;
  readonly links?: readonly TraceContext[];
  /** Milliseconds since the Unix epoch, fractions allowed. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Set: the span failed, with this message. */
  readonly error?: string;
}

/** What every room is handed. */
export interface Telemetry {
  readonly logger: Logger;
  readonly meter: Meter;
  readonly tracer: Tracer;
}

/** What has been counted, for GET /metrics. */
export interface MetricsReader {
  /** Of `text`. */
  readonly contentType: string;
  /** Prometheus text exposition format. */
  text(): Promise<string>;
  /** The same figures as plain JSON, by metric name. */
  summary(): Promise<Readonly<Record<string, MetricSummary>>>;
}

/** One metric, with a sample for each set of labels. Units are those of its name: seconds, bytes. */
export type MetricSummary =
  | {
      readonly type: "counter" | "gauge";
      readonly help: string;
      readonly samples: readonly ValueSample[];
    }
  | {
      readonly type: "histogram";
      readonly help: string;
      readonly samples: readonly HistogramSample[];
    };

export interface ValueSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Quantiles are estimated from the buckets, as PromQL's histogram_quantile does; null if `count` is 0. */
export interface HistogramSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly count: number;
  readonly sum: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
}
