import type { EventMeta, NewEvent } from "./core/event.ts";
import {
  childTrace,
  formatTraceparent,
  parseTraceparent,
  type TraceContext,
} from "./core/trace.ts";
import type { Appended, Delivery, EventLog, Settlement } from "./log/log.ts";
import type { FinishedSpan, Tracer } from "./telemetry/telemetry.ts";

/**
 * A log that reports a span for each append and each delivery: an event's trace goes from its request
 * over the append and the delivery to the invocation, each the parent of the next. For where spans go
 * somewhere; elsewhere the log is used as it is, and tracing costs it nothing.
 */
export function tracedLog(log: EventLog, tracer: Tracer): EventLog {
  const open = new WeakMap<Delivery, OpenDelivery>();

  function opened(delivery: Delivery, begun = beginSpan(delivery.stored.meta)): Delivery {
    const traced = { ...delivery, stored: under(delivery.stored, begun.trace) };
    open.set(traced, { delivery, begun });
    return traced;
  }

  async function* deliveries(source: AsyncIterable<Delivery>): AsyncGenerator<Delivery> {
    for await (const delivery of source) yield opened(delivery);
  }

  async function reported<T>(
    work: Promise<T>,
    span: (kept: T | undefined) => Omit<FinishedSpan, "endedAt">,
  ): Promise<T> {
    try {
      const kept = await work;
      tracer.span({ ...span(kept), endedAt: epochMs() });
      return kept;
    } catch (error) {
      tracer.span({ ...span(undefined), endedAt: epochMs(), error: (error as Error).message });
      throw error;
    }
  }

  return {
    driver: log.driver,
    maxEventBytes: log.maxEventBytes,
    append(events) {
      const [first] = events;
      if (first === undefined) return log.append(events);
      // Events of one call came in one request: they have one trace, and one span for all.
      const begun = beginSpan(first.meta);
      const work = log.append(events.map((event) => under(event, begun.trace)));
      return reported(work, (kept) => appendSpan(begun, events, kept));
    },
    claim(event, name) {
      const begun = beginSpan(event.meta);
      const claim = log.claim(under(event, begun.trace), name);
      if (claim.event === undefined) return claim;
      const delivering = beginSpan(claim.event.meta);
      const durable = reported(claim.durable, (kept) => appendSpan(begun, [event], kept && [kept]));
      return {
        event: under(claim.event, delivering.trace),
        durable: durable.then(({ delivery, ...appended }) => ({
          ...appended,
          delivery: delivery && opened(delivery, delivering),
        })),
      };
    },
    consume: (subscription, signal) => deliveries(log.consume(subscription, signal)),
    async settle(traced, settlement) {
      const { delivery, begun } = open.get(traced)!;
      await log.settle(delivery, settlement);
      tracer.span({ ...deliverySpan(begun, delivery, settlement), endedAt: epochMs() });
    },
    find: (id, source) => log.find(id, source),
    list: (filter, page) => log.list(filter, page),
    record: (invocation, emitted, recording) => log.record(invocation, emitted, recording),
    invocations: log.invocations,
    deadLetters: log.deadLetters,
    state: log.state,
    watch: (signal) => log.watch(signal),
    trim: (policy, signal) => log.trim(policy, signal),
    status: () => log.status(),
    lag: () => log.lag(),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}

interface OpenDelivery {
  /** What the log itself gave out, and wants back. */
  readonly delivery: Delivery;
  readonly begun: BegunSpan;
}

type BegunSpan = Pick<FinishedSpan, "trace" | "parentSpanId" | "startedAt">;

function beginSpan({ traceparent }: EventMeta): BegunSpan {
  const parent = parseTraceparent(traceparent);
  return {
    trace: childTrace(parent),
    ...(parent === undefined ? {} : { parentSpanId: parent.spanId }),
    startedAt: epochMs(),
  };
}

function appendSpan(
  begun: BegunSpan,
  events: readonly NewEvent[],
  kept: readonly Appended[] | undefined,
): Omit<FinishedSpan, "endedAt"> {
  const { length } = events;
  return {
    ...begun,
    name: length === 1 ? "append event" : "append events",
    kind: "producer",
    attributes: {
      ...(length === 1 ? eventAttributes(events[0]!) : {}),
      "nexus.events": length,
      ...(kept === undefined
        ? {}
        : {
            "nexus.duplicates": kept.filter(({ status }) => status === "duplicate").length,
            "nexus.position": kept[0]!.position,
          }),
    },
  };
}

function deliverySpan(
  begun: BegunSpan,
  { name, stored, attempt }: Delivery,
  { invocation, emitted, next }: Settlement,
): Omit<FinishedSpan, "endedAt"> {
  return {
    ...begun,
    name: `deliver ${name}`,
    kind: "consumer",
    attributes: {
      ...eventAttributes(stored),
      "faas.name": name,
      "nexus.position": stored.position,
      "nexus.attempt": attempt,
      "nexus.delivery": next.state,
      "nexus.emitted": emitted.length,
      "nexus.waited_ms": Math.max(0, begun.startedAt - stored.acceptedAt),
    },
    ...(invocation.error === null ? {} : { error: invocation.error.message }),
  };
}

function eventAttributes({ event }: NewEvent): Readonly<Record<string, string>> {
  return {
    "cloudevents.event_id": event.id,
    "cloudevents.event_source": event.source,
    "cloudevents.event_type": event.type,
  };
}

/** The same event, kept or handed on as part of this span. */
function under<Event extends NewEvent>(event: Event, trace: TraceContext): Event {
  return { ...event, meta: { ...event.meta, traceparent: formatTraceparent(trace) } };
}

function epochMs(): number {
  return performance.timeOrigin + performance.now();
}
