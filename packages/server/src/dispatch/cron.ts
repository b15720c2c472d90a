import { setTimeout as delay } from "node:timers/promises";
import { Cron } from "croner";
import { createEvent } from "../core/cloudevents.ts";
import { NexusError } from "../core/errors.ts";
import type { NewEvent } from "../core/event.ts";
import type { Trigger } from "../core/function.ts";
import { sha256 } from "../core/ids.ts";
import { formatTraceparent, type TraceContext } from "../core/trace.ts";
import type { EventLog } from "../log/log.ts";
import type { FinishedSpan, Telemetry, Tracer } from "../telemetry/telemetry.ts";
import { CRON_EVENT } from "./record.ts";

export interface CronDeps {
  readonly log: EventLog;
  readonly telemetry: Telemetry;
  readonly now: () => number;
}

type CronTrigger = Extract<Trigger, { kind: "cron" }>;

// setTimeout takes 2^31 - 1 ms at most; and a clock that was set shows within this time.
const LONGEST_SLEEP_MS = 60_000;
const APPEND_RETRY_MS = 1000;

/**
 * Appends an event for each tick of one trigger until `signal` aborts. A tick's event has the same
 * identity on every node, so that a cluster runs it once. Ticks that passed while nobody served the
 * function are not made up for.
 */
export async function runCron(
  name: string,
  trigger: CronTrigger,
  deps: CronDeps,
  signal: AbortSignal,
): Promise<void> {
  const cron = new Cron(trigger.schedule, { timezone: trigger.timezone, paused: true });
  let after = deps.now();
  while (!signal.aborted) {
    const tick = cron.nextRun(new Date(after));
    if (tick === null) return; // a schedule without a future, such as one with a year in the past
    const dueAt = tick.getTime();
    await sleepUntil(dueAt, deps.now, signal);
    if (signal.aborted) return;
    const trace = deps.telemetry.tracer.root();
    const begun = deps.now();
    const event = cronEvent(name, trigger, tick, trace);
    await appendTick({ event, name, dueAt }, deps, signal);
    report(name, trigger, { trace, startedAt: begun, endedAt: deps.now() }, deps.telemetry.tracer);
    after = Math.max(dueAt, deps.now());
  }
}

async function sleepUntil(atMs: number, now: () => number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const wait = atMs - now();
    if (wait <= 0 || signal.aborted) return;
    await delay(Math.min(wait, LONGEST_SLEEP_MS), undefined, { signal }).catch(() => undefined);
  }
}

interface Tick {
  readonly event: NewEvent;
  readonly name: string;
  readonly dueAt: number;
}

async function appendTick(
  { event, name, dueAt }: Tick,
  { log, telemetry, now }: CronDeps,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const [appended] = await log.append([event]);
      telemetry.meter.eventAccepted("cron", appended!.status);
      // Of a duplicate, another node says how late it was.
      if (appended!.status === "accepted") telemetry.meter.cronTick(name, dueAt, now() - dueAt);
      return;
    } catch (error) {
      if (!(error instanceof NexusError) || !error.facts.retry) throw error;
      telemetry.logger.error("Cannot keep a cron tick: trying again", {
        function: name,
        event_id: event.event.id,
        error: error.message,
      });
      await delay(APPEND_RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

function cronEvent(
  name: string,
  { schedule, timezone }: CronTrigger,
  tick: Date,
  trace: TraceContext,
): NewEvent {
  const scheduledAt = tick.toISOString();
  return {
    event: createEvent(
      {
        id: `cron-${sha256(`${schedule} ${timezone}`).slice(0, 8)}-${scheduledAt}`,
        source: `/nexus/cron/${name}`,
        type: CRON_EVENT,
        time: scheduledAt,
        subject: name,
      },
      {
        kind: "json",
        text: JSON.stringify({ schedule, timezone, scheduled_at: scheduledAt }),
      },
    ),
    meta: { traceparent: formatTraceparent(trace), depth: 0, target: name },
  };
}

/** The root of the trace that a tick begins. */
function report(
  name: string,
  { schedule, timezone }: CronTrigger,
  span: Pick<FinishedSpan, "trace" | "startedAt" | "endedAt">,
  tracer: Tracer,
): void {
  tracer.span({
    ...span,
    name: `tick ${name}`,
    kind: "internal",
    attributes: { "faas.name": name, "faas.cron": schedule, "nexus.timezone": timezone },
  });
}
