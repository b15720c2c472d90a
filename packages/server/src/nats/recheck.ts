import { setTimeout as delay } from "node:timers/promises";
import { NexusError } from "../core/errors.ts";
import type { NewEvent } from "../core/event.ts";
import { uuidv7 } from "../core/ids.ts";
import type { Invocation, InvocationError } from "../core/invocation.ts";
import type { PlatformSettings } from "../core/settings.ts";
import { isoTime } from "../core/time.ts";
import { traceIdOf } from "../core/trace.ts";
import type { Delivery, EventLog, Settlement } from "../log/log.ts";
import type { Logger } from "../telemetry/telemetry.ts";
import { InFlight } from "./in-flight.ts";
import { readEvents } from "./message.ts";
import { INBOX, rejectedMessage } from "./rejected.ts";

export interface RecheckDeps {
  readonly log: EventLog;
  readonly logger: Logger;
  readonly settings: () => PlatformSettings;
  /** What every subject of the inbox begins with. */
  readonly inboxSubject: string;
  readonly now: () => number;
}

const CONCURRENCY = 16;
const RETRY_MS = 1000;

/**
 * Makes a dead letter of each rejected message, with the reason, until `signal` aborts. One that is
 * redriven is checked again by the rules that hold then: it becomes its events, or is dead again. Either
 * is recorded as a run of `nexus_inbox`.
 */
export async function recheckRejected(deps: RecheckDeps, signal: AbortSignal): Promise<void> {
  const subscription = {
    name: INBOX,
    patterns: [],
    concurrency: CONCURRENCY,
    // What was rejected before anybody served the inbox counts too.
    start: "earliest",
  } as const;
  const inFlight = new InFlight(CONCURRENCY);
  for await (const delivery of deps.log.consume(subscription, signal)) {
    inFlight.add(recheck(delivery, deps, signal));
  }
  await inFlight.none();
}

async function recheck(delivery: Delivery, deps: RecheckDeps, signal: AbortSignal): Promise<void> {
  let settlement = verdict(delivery, deps);
  for (;;) {
    try {
      await deps.log.settle(delivery, settlement);
      return;
    } catch (error) {
      if (!(error instanceof NexusError)) throw error;
      if (!error.facts.retry && settlement.next.state === "done") {
        settlement = dead(delivery, { code: error.code, message: error.message }, deps.now());
        continue;
      }
      deps.logger.error("Cannot keep what became of a rejected message: trying again", {
        event_id: delivery.stored.event.id,
        code: error.code,
        error: error.message,
      });
    }
    if (signal.aborted) return; // handed out again after the restart
    await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}

function verdict(delivery: Delivery, { settings, inboxSubject, now }: RecheckDeps): Settlement {
  const { event, meta } = delivery.stored;
  const { error, message } = rejectedMessage(event, inboxSubject);
  if (message === undefined) return dead(delivery, error, now());
  try {
    const emitted = readEvents(message, settings().eventBytes).map((one) => ({
      event: one,
      meta: { traceparent: meta.traceparent, depth: 0 },
    }));
    return { invocation: record(delivery, { emitted }, now()), emitted, next: { state: "done" } };
  } catch (error) {
    if (!(error instanceof NexusError)) throw error;
    return dead(delivery, { code: error.code, message: error.message }, now());
  }
}

function dead(delivery: Delivery, error: InvocationError, nowMs: number): Settlement {
  return {
    invocation: record(delivery, { error }, nowMs),
    emitted: [],
    next: { state: "dead", error },
  };
}

function record(
  { stored, attempt }: Delivery,
  { error, emitted = [] }: { error?: InvocationError; emitted?: readonly NewEvent[] },
  nowMs: number,
): Invocation {
  const { event, meta, position } = stored;
  return {
    id: uuidv7(nowMs),
    event_id: event.id,
    event_source: event.source,
    event_type: event.type,
    position,
    function: INBOX,
    version: "platform",
    attempt,
    trigger: "nats",
    status: error === undefined ? "succeeded" : "failed",
    exit_code: null,
    error: error ?? null,
    output: "",
    output_encoding: "utf-8",
    output_bytes: 0,
    output_truncated: false,
    logs: [],
    logs_truncated: false,
    limits_reached: [],
    emitted: emitted.map(({ event }) => event.id),
    started_at: isoTime(nowMs),
    duration_ms: 0,
    memory_peak_bytes: 0,
    cold: false,
    trace_id: traceIdOf(meta.traceparent),
    delivery: error === undefined ? "done" : "dead",
    retry_at: null,
  };
}
