import { NexusError } from "../core/errors.ts";
import type { NewEvent } from "../core/event.ts";
import type { FunctionVersion } from "../core/function.ts";
import { idempotencyKey, uuidv7 } from "../core/ids.ts";
import { isKept, isRecorded } from "../core/record-policy.ts";
import type { InvocationError, InvocationStatus, InvocationTrigger } from "../core/invocation.ts";
import {
  childTrace,
  formatTraceparent,
  parseTraceparent,
  type TraceContext,
} from "../core/trace.ts";
import type { Effects } from "../effects/effects.ts";
import type { Outcome, Runtime } from "../runtime/runtime.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { emittedEvents } from "./emit.ts";
import { environment } from "./environment.ts";
import { recordingOf } from "./recorded.ts";

/** One run of one version on one event, from the environment it sees to the events it emitted. */
export interface Attempt {
  readonly id: string;
  readonly event: NewEvent;
  readonly version: FunctionVersion;
  readonly attempt: number;
  readonly trigger: InvocationTrigger;
  readonly traceId: string;
  readonly outcome: Outcome;
  /** The outcome's, but `failed` where a run that exited with 0 emitted what is no event. */
  readonly status: InvocationStatus;
  readonly error: InvocationError | null;
  /** Empty unless the run succeeded. */
  readonly emitted: readonly NewEvent[];
  /** Undefined: the function's policy keeps none of this run. */
  readonly recording: Uint8Array | undefined;
}

export interface AttemptInput {
  readonly event: NewEvent;
  readonly version: FunctionVersion;
  readonly attempt: number;
  readonly trigger: InvocationTrigger;
  readonly chainDepth: number;
  /** The largest event the log keeps, in bytes of its JSON. */
  readonly maxEventBytes: number;
  /** With a replay: the span that asked for it. The run belongs to that trace, linked to the event's own. */
  readonly replayTrace?: TraceContext;
}

export interface AttemptDeps {
  readonly runtime: Runtime;
  readonly effects: Effects;
  readonly telemetry: Telemetry;
  readonly now: () => number;
}

/** Resolves with how it went, whatever the function did; rejects only as Runtime.invoke does. */
export async function runAttempt(input: AttemptInput, deps: AttemptDeps): Promise<Attempt> {
  const { event, version, attempt, trigger, replayTrace } = input;
  const id = uuidv7(deps.now());
  const parent = replayTrace ?? parseTraceparent(event.meta.traceparent);
  const trace = childTrace(parent);
  const recorded = isRecorded(version.record, event.event);

  const outcome = await deps.runtime.invoke({
    version: version.version,
    function: version.name,
    stdin: event.event.json,
    env: environment({ version, event, attempt, trace, replay: trigger === "replay" }),
    ...(recorded ? { tape: "record" } : {}),
    hostCalls: deps.effects.callsFor({ version, event, trace }),
    secrets: deps.effects.secretsFor(version),
  });

  const { status, error, emitted } = judge(outcome, version, () =>
    emittedEvents(outcome, {
      function: version.name,
      output: version.output,
      cause: event,
      // A replay's effects are wanted again; another attempt's are not.
      idPrefix:
        trigger === "replay"
          ? id
          : idempotencyKey(version.name, event.event.source, event.event.id),
      traceparent: formatTraceparent(trace),
      time: new Date(deps.now()).toISOString(),
      chainDepth: input.chainDepth,
      maxEventBytes: input.maxEventBytes,
    }),
  );
  const done: Attempt = {
    id,
    event,
    version,
    attempt,
    trigger,
    traceId: trace.traceId,
    outcome,
    status,
    error,
    emitted,
    recording:
      recorded && isKept(version.record, status) ? recordingOf(outcome, trace, version) : undefined,
  };
  report(done, trace, input, deps.telemetry);
  return done;
}

/** How a run ended in the end: one that exited with 0 and emitted what is no event has failed. */
export function judge(
  outcome: Outcome,
  { output }: FunctionVersion,
  emit: () => readonly NewEvent[],
): Pick<Attempt, "status" | "error" | "emitted"> {
  if (outcome.status !== "succeeded") {
    return { status: outcome.status, error: outcome.error, emitted: NONE };
  }
  if (outcome.emitted.length === 0 && output === "answer") {
    return { status: "succeeded", error: null, emitted: NONE };
  }
  try {
    return { status: "succeeded", error: null, emitted: emit() };
  } catch (error) {
    if (!(error instanceof NexusError)) throw error;
    return { status: "failed", error: { code: error.code, message: error.message }, emitted: NONE };
  }
}

const NONE: readonly NewEvent[] = Object.freeze([]);

function report(
  done: Attempt,
  trace: TraceContext,
  input: AttemptInput,
  { logger, meter, tracer }: Telemetry,
): void {
  const { version, outcome, status, event } = done;
  meter.invocation(version.name, done.trigger, status, outcome.durationMs, outcome.cold);
  if (done.error !== null) {
    logger.warn("Invocation did not succeed", {
      trace_id: trace.traceId,
      event_id: event.event.id,
      function: version.name,
      invocation_id: done.id,
      attempt: done.attempt,
      status,
      error: done.error.message,
    });
  } else {
    logger.debug("Invocation succeeded", {
      trace_id: trace.traceId,
      event_id: event.event.id,
      function: version.name,
      invocation_id: done.id,
      attempt: done.attempt,
      duration_ms: outcome.durationMs,
    });
  }
  if (!tracer.enabled) return;
  const origin = parseTraceparent(event.meta.traceparent);
  const parent = input.replayTrace ?? origin;
  tracer.span({
    name: `invoke ${version.name}`,
    kind: "consumer",
    trace,
    ...(parent === undefined ? {} : { parentSpanId: parent.spanId }),
    ...(input.replayTrace === undefined || origin === undefined ? {} : { links: [origin] }),
    startedAt: outcome.startedAt,
    endedAt: outcome.startedAt + outcome.durationMs,
    attributes: {
      "faas.name": version.name,
      "faas.version": version.version,
      "faas.invocation_id": done.id,
      "faas.coldstart": outcome.cold,
      "cloudevents.event_id": event.event.id,
      "cloudevents.event_source": event.event.source,
      "cloudevents.event_type": event.event.type,
      "nexus.attempt": done.attempt,
      "nexus.trigger": done.trigger,
      "nexus.status": status,
    },
    ...(done.error === null ? {} : { error: done.error.message }),
  });
}
