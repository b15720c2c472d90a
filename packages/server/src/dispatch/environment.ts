import type { NewEvent } from "../core/event.ts";
import type { FunctionVersion } from "../core/function.ts";
import { idempotencyKey } from "../core/ids.ts";
import { formatTraceparent, type TraceContext } from "../core/trace.ts";

export interface RunFacts {
  readonly version: FunctionVersion;
  readonly event: NewEvent;
  readonly attempt: number;
  /** The run's own span. */
  readonly trace: TraceContext;
  readonly replay: boolean;
}

/** The environment that a run sees; the same facts give the same one again. */
export function environment(facts: RunFacts): Readonly<Record<string, string>> {
  const { version, event, attempt, trace, replay } = facts;
  const { source, id } = event.event;
  return {
    ...version.env,
    TRACE_ID: trace.traceId,
    TRACEPARENT: formatTraceparent(trace),
    NEXUS_FUNCTION: version.name,
    NEXUS_VERSION: version.version,
    NEXUS_EVENT_ID: id,
    NEXUS_ATTEMPT: String(attempt),
    NEXUS_IDEMPOTENCY_KEY: idempotencyKey(version.name, source, id),
    NEXUS_REPLAY: replay ? "true" : "false",
  };
}
