import { ROOT_CONTEXT, type HrTime, type SpanContext } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, resourceFromAttributes, type Resource } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace";
import { childTrace, type TraceContext } from "../core/trace.ts";
import type { FinishedSpan, Logger, Tracer } from "./telemetry.ts";
import type { TracingConfig } from "./tracing.ts";

/**
 * Finished spans wait in a bounded queue and go out in batches, as OTLP over HTTP in JSON. What does
 * not fit in the queue or cannot be delivered is dropped, and the log says how many were. This file
 * loads all of OpenTelemetry: import it lazily.
 */
export function otlpTracer(
  config: TracingConfig & { readonly endpoint: string },
  options: { readonly version: string; readonly logger: Logger },
): Tracer {
  const { version, logger } = options;
  const { maxQueueSize, maxExportBatchSize, scheduledDelayMs } = config.batch;
  const scope = { name: "nexus-functions", version };
  const resource = defaultResource().merge(
    resourceFromAttributes({
      "service.version": version,
      ...config.resourceAttributes,
      "service.name": config.serviceName,
    }),
  );
  const ratio = new TraceIdRatioBasedSampler(config.sampler.ratio);
  const losses = lossReport(config.endpoint, logger);
  const exporter = new OTLPTraceExporter({
    url: config.endpoint,
    headers: { ...config.headers },
    timeoutMillis: config.exportTimeoutMs,
  });
  let queued = 0;
  let underWay = 0;
  const processor = new BatchSpanProcessor({
    exporter: {
      export(spans, done) {
        queued -= spans.length;
        underWay += spans.length;
        exporter.export(spans, (result) => {
          underWay -= spans.length;
          // ExportResultCode.SUCCESS is 0; the enum's package is no dependency of ours.
          const code: number = result.code;
          if (code === 0) losses.delivered();
          else losses.failed(spans.length, result.error);
          done(result);
        });
      },
      shutdown: () => exporter.shutdown(),
    },
    maxQueueSize,
    maxExportBatchSize,
    scheduledDelayMillis: scheduledDelayMs,
    exportTimeoutMillis: config.exportTimeoutMs + 1000,
  });

  function keeps(traceId: string): boolean {
    return (
      ratio.shouldSample(ROOT_CONTEXT, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED
    );
  }

  async function flushed(): Promise<void> {
    // A failed export has been reported already, and there is nothing the caller could do.
    await processor.forceFlush().catch(() => {});
    await exporter.forceFlush();
  }

  return {
    enabled: true,
    root() {
      const trace = childTrace();
      return keeps(trace.traceId) ? trace : { ...trace, sampled: false };
    },
    span(span) {
      const kept = config.sampler.parentBased ? span.trace.sampled : keeps(span.trace.traceId);
      if (!kept) return;
      // The processor would drop it too, but silently.
      if (queued === maxQueueSize) return losses.overflow();
      queued += 1;
      processor.onEnd(readable(span, resource, scope));
    },
    async flush(signal) {
      const { promise: tooLong, resolve: giveUp } = Promise.withResolvers<void>();
      signal?.addEventListener("abort", () => giveUp(), { once: true });
      await Promise.race([flushed(), tooLong]);
      const lost = queued + underWay;
      if (signal?.aborted === true && lost > 0) losses.abandoned(lost);
    },
  };
}

const OVERFLOW_REPORT_EVERY_MS = 60_000;

/**
 * Says what is lost on the way to the collector: one warning when it stops to answer and one line when
 * it answers again; where it answers and spans still come too fast for it, one warning a minute.
 */
function lossReport(endpoint: string, logger: Logger) {
  const { origin, pathname } = new URL(endpoint);
  const fields = { endpoint: `${origin}${pathname}` };
  let failing = false;
  let dropped = 0;
  let overflowReportedAt = -Infinity;
  return {
    overflow(): void {
      dropped += 1;
    },
    abandoned(spans: number): void {
      logger.warn("Cannot send the last spans: the collector did not take them in time", {
        ...fields,
        dropped: dropped + spans,
      });
    },
    failed(spans: number, error: Error | undefined): void {
      dropped += spans;
      if (failing) return;
      failing = true;
      logger.warn("Cannot send spans: they are dropped until the collector takes them again", {
        ...fields,
        error,
      });
    },
    delivered(): void {
      if (failing) {
        logger.info("The collector takes spans again", { ...fields, dropped });
      } else {
        if (dropped === 0 || performance.now() - overflowReportedAt < OVERFLOW_REPORT_EVERY_MS) {
          return;
        }
        overflowReportedAt = performance.now();
        logger.warn(
          "Cannot send all spans: they come too fast. OTEL_TRACES_SAMPLER keeps a share",
          {
            ...fields,
            dropped,
          },
        );
      }
      failing = false;
      dropped = 0;
    },
  };
}

const KIND = { internal: 0, server: 1, client: 2, producer: 3, consumer: 4 } as const;

function readable(
  span: FinishedSpan,
  resource: Resource,
  scope: { readonly name: string; readonly version: string },
): ReadableSpan {
  const context = spanContext(span.trace);
  return {
    name: span.name,
    kind: KIND[span.kind],
    spanContext: () => context,
    ...(span.parentSpanId === undefined
      ? {}
      : { parentSpanContext: { ...context, spanId: span.parentSpanId } }),
    startTime: hrTime(span.startedAt),
    endTime: hrTime(span.endedAt),
    duration: hrTime(Math.max(0, span.endedAt - span.startedAt)),
    ended: true,
    status: span.error === undefined ? { code: 0 } : { code: 2, message: span.error },
    attributes: span.attributes,
    links: (span.links ?? []).map((link) => ({ context: spanContext(link) })),
    events: [],
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** The batch processor drops what is not marked as sampled; what comes here was decided already. */
function spanContext(trace: TraceContext): SpanContext {
  return { traceId: trace.traceId, spanId: trace.spanId, traceFlags: 1 };
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  // Beyond a microsecond a double has nothing to say about a time of this century.
  const micros = Math.round((ms - seconds * 1000) * 1000);
  return micros === 1_000_000 ? [seconds + 1, 0] : [seconds, micros * 1000];
}
