import { idempotencyKey } from "../core/ids.ts";
import { formatTraceparent } from "../core/trace.ts";
import type { FunctionVersion } from "../core/function.ts";
import type { Outcome } from "../runtime/runtime.ts";
import { judge } from "./attempt.ts";
import { emittedEvents } from "./emit.ts";
import type { GivenRun } from "./run-again.ts";

/** What the platform accepts of what a run emitted. */
export interface EmitLimits {
  readonly chainDepth: number;
  readonly maxEventBytes: number;
}

/** What came of a run that was made again, as the dispatcher would have judged it. */
export function judged(
  { event, recorded, recording }: GivenRun,
  version: FunctionVersion,
  { outcome, limits }: { readonly outcome: Outcome; readonly limits: EmitLimits },
): Outcome {
  const { spanId, sampled } = recording;
  const { status, error } = judge(outcome, version, () =>
    emittedEvents(outcome, {
      function: version.name,
      output: version.output,
      cause: event,
      idPrefix: idempotencyKey(version.name, event.event.source, event.event.id),
      traceparent: formatTraceparent({ traceId: recorded.trace_id, spanId, sampled }),
      time: recorded.started_at,
      ...limits,
    }),
  );
  return { ...outcome, status, error };
}
