import type { Headers } from "../core/ce-headers.ts";
import {
  childTrace,
  formatTraceparent,
  parseTraceparent,
  type TraceContext,
} from "../core/trace.ts";
import type { Tracer } from "../telemetry/telemetry.ts";

/** A message's place in its trace: the publisher's, where its header `traceparent` has one. */
export interface Received {
  /** For the events that come of the message. */
  readonly traceparent: string;
  /** Reports the span of the message: from its coming until now. */
  end(subject: string, error?: string): void;
}

export function received(headers: Headers, tracer: Tracer): Received {
  const startedAt = epochMs();
  const parent = parseTraceparent(headers["traceparent"]);
  const trace: TraceContext = parent === undefined ? tracer.root() : childTrace(parent);
  return {
    traceparent: formatTraceparent(trace),
    end(subject, error) {
      if (!tracer.enabled) return;
      tracer.span({
        name: `receive ${subject}`,
        kind: "consumer",
        trace,
        ...(parent === undefined ? {} : { parentSpanId: parent.spanId }),
        startedAt,
        endedAt: epochMs(),
        attributes: { "messaging.system": "nats", "messaging.destination.name": subject },
        ...(error === undefined ? {} : { error }),
      });
    },
  };
}

function epochMs(): number {
  return performance.timeOrigin + performance.now();
}
