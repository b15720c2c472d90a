import type { HrTime, SpanContext } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, resourceFromAttributes, type Resource } from "@opentelemetry/resources";
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from "@opentelemetry/sdk-trace";
import { childTrace, type TraceContext } from "../core/trace.ts";
import type { FinishedSpan, Logger, Tracer } from "./telemetry.ts";
import type { Sampler, TracingConfig } from "./tracing.ts";

/**
 * Finished spans wait in a bounded queue and go out in batches, as OTLP over HTTP in JSON. What does
 * not fit in the queue or cannot be delivered is dropped; a collector that cannot be reached costs one
 * warning until it is there again. This file loads all of OpenTelemetry: import it lazily.
 */
export function otlpTracer(
  config: TracingConfig & { readonly endpoint: string },
  options: { readonly version: string; readonly logger: Logger },
): Tracer {
  const { version, logger } = options;
  const resource = defaultResource().merge(
    resourceFromAttributes({
      "service.version": version,
      ...config.resourceAttributes,
      "service.name": config.serviceName,
    }),
  );
  const exporter = new OTLPTraceExporter({
    url: config.endpoint,
    headers: { ...config.headers },
    timeoutMillis: config.exportTimeoutMs,
  });
  const processor = new BatchSpanProcessor({
    exporter: reportOutages(exporter, config.endpoint, logger),
    maxQueueSize: config.batch.maxQueueSize,
    maxExportBatchSize: config.batch.maxExportBatchSize,
    scheduledDelayMillis: config.batch.scheduledDelayMs,
    exportTimeoutMillis: config.exportTimeoutMs + 1000,
  });
  const scope = { name: "nexus-functions", version };

  return {
    enabled: true,
    root() {
      const trace = childTrace();
      return keeps(config.sampler, trace.traceId) ? trace : { ...trace, sampled: false };
    },
    span(span) {
      const kept = config.sampler.parentBased
        ? span.trace.sampled
        : keeps(config.sampler, span.trace.traceId);
      if (kept) processor.onEnd(readable(span, resource, scope));
    },
    async flush() {
      // A failed export has been reported already, and there is nothing the caller could do.
      await processor.forceFlush().catch(() => {});
      await exporter.forceFlush();
    },
  };
}

/** OpenTelemetry's TraceIdRatioBased: the last 7 bytes of a trace id are random (W3C level 2), and decide. */
function keeps(sampler: Sampler, traceId: string): boolean {
  return parseInt(traceId.slice(-13), 16) < sampler.ratio * 2 ** 52;
}

/** The exporter, with one warning when it begins to fail and one line when it works again. */
function reportOutages(exporter: SpanExporter, endpoint: string, logger: Logger): SpanExporter {
  const { origin, pathname } = new URL(endpoint);
  const fields = { endpoint: `${origin}${pathname}` };
  let failing = false;
  let dropped = 0;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        // ExportResultCode.SUCCESS is 0; the enum's package is no dependency of ours.
        const code: number = result.code;
        if (code !== 0) {
          dropped += spans.length;
          if (!failing) {
            logger.warn("Cannot send spans to the collector: they are dropped until it answers", {
              ...fields,
              error: result.error,
            });
          }
          failing = true;
        } else if (failing) {
          logger.info("The collector answers again", { ...fields, dropped });
          failing = false;
          dropped = 0;
        }
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
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
