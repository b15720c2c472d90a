import type { NewEvent } from "../core/event.ts";
import type { DeliveryState, Invocation, InvocationTrigger } from "../core/invocation.ts";
import { NATS_EVENT } from "../core/pattern.ts";
import { isoTime } from "../core/time.ts";
import type { Outcome } from "../runtime/runtime.ts";
import type { Attempt } from "./attempt.ts";

/** Types of the platform's own events; each is addressed to one function. */
export const HTTP_EVENT = "nexus.http.request";
export const CRON_EVENT = "nexus.cron.tick";

/** What a record says beyond the attempt itself. */
export interface RecordFacts {
  /** Where the event is in the log. */
  readonly position: number;
  readonly delivery: DeliveryState;
  /** Milliseconds since the Unix epoch, with `retry` only. */
  readonly retryAt?: number;
}

export function invocationRecord(attempt: Attempt, facts: RecordFacts): Invocation {
  const { position, delivery, retryAt } = facts;
  const { version, outcome } = attempt;
  const { event } = attempt.event;
  return {
    id: attempt.id,
    event_id: event.id,
    event_source: event.source,
    event_type: event.type,
    position,
    function: version.name,
    version: version.version,
    attempt: attempt.attempt,
    trigger: attempt.trigger,
    ...outcomeFields(outcome),
    status: attempt.status,
    error: attempt.error,
    emitted: attempt.emitted.map(({ event }) => event.id),
    trace_id: attempt.traceId,
    delivery,
    retry_at: retryAt === undefined ? null : new Date(retryAt).toISOString(),
  };
}

/** Of a record: what the run itself did. */
export type OutcomeFields = Pick<
  Invocation,
  | "status"
  | "exit_code"
  | "error"
  | "output"
  | "output_encoding"
  | "output_bytes"
  | "output_truncated"
  | "logs"
  | "logs_truncated"
  | "limits_reached"
  | "started_at"
  | "duration_ms"
  | "memory_peak_bytes"
  | "cold"
>;

export function outcomeFields(outcome: Outcome): OutcomeFields {
  const truncated = outcome.outputBytes > outcome.output.length;
  return {
    status: outcome.status,
    exit_code: outcome.exitCode,
    error: outcome.error,
    ...outputFields(outcome.output, truncated),
    output_bytes: outcome.outputBytes,
    output_truncated: truncated,
    logs: outcome.logs,
    logs_truncated: outcome.logsTruncated,
    limits_reached: outcome.limits,
    started_at: isoTime(outcome.startedAt),
    duration_ms: Math.round(outcome.durationMs * 1000) / 1000,
    memory_peak_bytes: outcome.memoryPeakBytes,
    cold: outcome.cold,
  };
}

/** What made this event run a function, where it is no replay. */
export function triggerOf({ event, meta }: NewEvent): InvocationTrigger {
  if (meta.target === undefined) return "event";
  if (event.type === CRON_EVENT) return "cron";
  return event.type === NATS_EVENT ? "nats" : "http";
}

// Output that is no UTF-8 is kept as base64. A cut at the limit may fall inside a character: with
// `stream` those last bytes are left out of the text, instead of turning all of it into base64.
function outputFields(
  output: Uint8Array,
  truncated: boolean,
): Pick<Invocation, "output" | "output_encoding"> {
  try {
    // `ignoreBOM`: a byte order mark is output like any other.
    const decoder = truncated ? new TextDecoder("utf-8", STRICT) : whole;
    return { output: decoder.decode(output, { stream: truncated }), output_encoding: "utf-8" };
  } catch {
    return { output: Buffer.from(output).toString("base64"), output_encoding: "base64" };
  }
}

const STRICT = { fatal: true, ignoreBOM: true } as const;
const whole = new TextDecoder("utf-8", STRICT);
