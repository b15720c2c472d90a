import { setTimeout as sleep } from "node:timers/promises";
import { collectDefaultMetrics, Registry } from "prom-client";
import type { InvocationStatus, InvocationTrigger } from "../core/invocation.ts";
import { instruments, TallyCounter } from "./instruments.ts";
import { summarise } from "./summary.ts";
import type { Meter, MetricsReader } from "./telemetry.ts";

/** Where the gauges come from; each is asked once a scrape. */
export interface MetricsSources {
  readonly build: { readonly version: string; readonly driver: string };
  functions(): number;
  lag(): readonly LagFigures[];
  runtime(): RuntimeFigures;
  /** May reject or hang where the store cannot be reached: the scrape goes on without it. */
  log(): Promise<LogFigures>;
}

export interface LagFigures {
  readonly name: string;
  readonly waiting: number;
  readonly running: number;
  readonly retrying: number;
  readonly oldestMs: number;
}

export interface RuntimeFigures {
  readonly workers: number;
  readonly busy: number;
  readonly queued: number;
  readonly replaced: number;
  readonly loaded: number;
}

export interface LogFigures {
  readonly connected: boolean;
  readonly tail: number;
  readonly events: number;
  readonly invocations: number;
  readonly deadLetters: number;
  readonly bytes: number;
}

export interface Metrics {
  readonly meter: Meter;
  readonly reader: MetricsReader;
}

/** A log that has not answered by then counts as not connected. */
const LOG_PATIENCE_MS = 2000;

/** Metrics in a registry of their own, with those of the process. */
export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  const metrics = instruments(registry);
  collectDefaultMetrics({ register: registry });
  const { version, driver } = sources.build;
  metrics.buildInfo.set({ version, node: process.version, driver }, 1);

  const functionMeter = memo((fn: string) => meterOf(fn, metrics));
  const workersReplaced = metrics.workersReplaced.tally({});
  let replacedSeen = 0;

  async function refresh(): Promise<void> {
    metrics.functions.set(sources.functions());

    // What is no longer served vanishes.
    metrics.queue.reset();
    metrics.queueLag.reset();
    for (const { name, waiting, running, retrying, oldestMs } of sources.lag()) {
      functionMeter(name); // so that its counters are there, as 0, before they first count
      metrics.queue.set({ function: name, state: "waiting" }, waiting);
      metrics.queue.set({ function: name, state: "running" }, running);
      metrics.queue.set({ function: name, state: "retrying" }, retrying);
      metrics.queueLag.set({ function: name }, oldestMs / 1000);
    }

    const runtime = sources.runtime();
    metrics.workers.set(runtime.workers);
    metrics.workersBusy.set(runtime.busy);
    metrics.workerQueue.set(runtime.queued);
    metrics.versionsLoaded.set(runtime.loaded);
    workersReplaced.pending += runtime.replaced - replacedSeen;
    replacedSeen = runtime.replaced;

    const log = await answerInTime(sources.log());
    metrics.logConnected.set(log?.connected === true ? 1 : 0);
    if (log !== undefined) {
      metrics.logPosition.set(log.tail);
      metrics.logEvents.set(log.events);
      metrics.logInvocations.set(log.invocations);
      metrics.logDeadLetters.set(log.deadLetters);
      metrics.logBytes.set(log.bytes);
    }
    for (const metric of Object.values(metrics)) {
      if (metric instanceof TallyCounter) metric.flush();
    }
  }

  return {
    meter: createMeter(metrics, functionMeter),
    reader: {
      contentType: registry.contentType,
      async text() {
        await refresh();
        return registry.metrics();
      },
      async summary() {
        await refresh();
        return summarise(registry);
      },
    },
  };
}

type Instruments = ReturnType<typeof instruments>;
type FunctionMeter = ReturnType<typeof meterOf>;

function createMeter(metrics: Instruments, functionMeter: (fn: string) => FunctionMeter): Meter {
  const http = memo((route: string) =>
    memo((method: string) =>
      memo((hundreds: number) => {
        const labels = { route, method, status: `${hundreds}xx` };
        return {
          requests: metrics.httpRequests.tally(labels),
          duration: metrics.httpDuration.labels(labels),
        };
      }),
    ),
  );
  const events = memo((source: string) => ({
    accepted: metrics.events.tally({ source, status: "accepted" }),
    duplicate: metrics.events.tally({ source, status: "duplicate" }),
  }));
  const rejected = memo((code: string) => metrics.eventsRejected.tally({ code }));

  return {
    httpRequest(route, method, status, durationMs) {
      const { requests, duration } = http(route)(knownMethod(method))(Math.floor(status / 100));
      requests.pending += 1;
      duration.observe(durationMs / 1000);
    },
    eventAccepted(source, status, count = 1) {
      events(source)[status].pending += count;
    },
    eventRejected(code) {
      rejected(code).pending += 1;
    },
    appendDuration(durationMs) {
      metrics.appendDuration.observe(durationMs / 1000);
    },
    deliveryStarted(fn, waitedMs) {
      // The clock may have been set back since the event was accepted.
      functionMeter(fn).wait.observe(Math.max(0, waitedMs) / 1000);
    },
    deliveryEnded(fn, state) {
      functionMeter(fn)[state].pending += 1;
    },
    invocation(fn, trigger, status, durationMs, cold) {
      const own = functionMeter(fn);
      own.invocations(trigger)(status).pending += 1;
      (cold ? own.cold : own.warm).pending += 1;
      own.duration.observe(durationMs / 1000);
    },
  };
}

function meterOf(fn: string, metrics: Instruments) {
  return {
    done: metrics.deliveries.tally({ function: fn, state: "done" }),
    retry: metrics.deliveries.tally({ function: fn, state: "retry" }),
    dead: metrics.deliveries.tally({ function: fn, state: "dead" }),
    cold: metrics.starts.tally({ function: fn, start: "cold" }),
    warm: metrics.starts.tally({ function: fn, start: "warm" }),
    wait: metrics.deliveryWait.labels({ function: fn }),
    duration: metrics.invocationDuration.labels({ function: fn }),
    invocations: memo((trigger: InvocationTrigger) =>
      memo((status: InvocationStatus) =>
        metrics.invocations.tally({ function: fn, trigger, status }),
      ),
    ),
  };
}

const METHODS = new Set("GET HEAD POST PUT DELETE PATCH OPTIONS CONNECT TRACE".split(" "));

/** A client may send any word as its method; a label must not. */
function knownMethod(method: string): string {
  return METHODS.has(method) ? method : "_OTHER";
}

async function answerInTime(status: Promise<LogFigures>): Promise<LogFigures | undefined> {
  const timer = new AbortController();
  try {
    const late = sleep(LOG_PATIENCE_MS, undefined, { signal: timer.signal, ref: false });
    return await Promise.race([status, late]);
  } catch {
    return undefined;
  } finally {
    timer.abort();
  }
}

/** `make`, called once for each key. */
function memo<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    made.set(key, value);
    return value;
  };
}
