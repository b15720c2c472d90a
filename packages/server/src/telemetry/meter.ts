import type { ErrorCode } from "../core/errors.ts";
import type { InvocationStatus, InvocationTrigger } from "../core/invocation.ts";
import type { instruments } from "./instruments.ts";
import type { Meter } from "./telemetry.ts";

type Instruments = ReturnType<typeof instruments>;

export interface InstrumentedMeter extends Meter {
  /** Makes the counters of a function show, as 0, before they first count. */
  announce(fn: string): void;
  /** The newest tick of its cron triggers that was reported. */
  lastTick(fn: string): Tick | undefined;
}

export interface Tick {
  readonly dueAt: number;
  readonly lateMs: number;
}

/** The meter that counts in these instruments. Each set of labels is looked up in maps, never formatted again. */
export function createMeter(metrics: Instruments): InstrumentedMeter {
  const functionMeter = memo((fn: string) => meterOf(fn, metrics));
  const http = memo((route: string) =>
    memo((method: string) =>
      memo((hundreds: number) => {
        const labels = { route, method, status: `${hundreds}xx` };
        return {
          requests: metrics.httpRequests.tally(labels),
          duration: metrics.httpDuration.series(labels),
        };
      }),
    ),
  );
  const events = memo((source: string) => ({
    accepted: metrics.events.tally({ source, status: "accepted" }),
    duplicate: metrics.events.tally({ source, status: "duplicate" }),
  }));
  const limited = {
    requests: metrics.httpLimited.tally({ limit: "requests" }),
    wrong_tokens: metrics.httpLimited.tally({ limit: "wrong_tokens" }),
  };
  const append = metrics.appendDuration.series({});
  const rejected = memo((code: string) => metrics.eventsRejected.tally({ code }));
  for (const code of SHORTAGES) rejected(code);
  const ticks = new Map<string, Tick>();

  return {
    announce: (fn) => void functionMeter(fn),
    lastTick: (fn) => ticks.get(fn),
    httpRequest(route, method, status, durationMs) {
      const { requests, duration } = http(route)(knownMethod(method))(Math.floor(status / 100));
      requests.pending += 1;
      duration.observe(durationMs / 1000);
    },
    requestLimited(limit) {
      limited[limit].pending += 1;
    },
    eventAccepted(source, status, count = 1) {
      events(source)[status].pending += count;
    },
    eventRejected(code) {
      rejected(code).pending += 1;
    },
    cronTick(fn, dueAt, lateMs) {
      ticks.set(fn, { dueAt, lateMs: Math.max(0, lateMs) });
    },
    appendDuration(durationMs) {
      append.observe(durationMs / 1000);
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
    replayVerified(fn, identical) {
      const { verified, diverged } = functionMeter(fn);
      (identical ? verified : diverged).pending += 1;
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
    verified: metrics.replaysVerified.tally({ function: fn }),
    diverged: metrics.replaysDiverged.tally({ function: fn }),
    wait: metrics.deliveryWait.series({ function: fn }),
    duration: metrics.invocationDuration.series({ function: fn }),
    invocations: memo((trigger: InvocationTrigger) =>
      memo((status: InvocationStatus) =>
        metrics.invocations.tally({ function: fn, trigger, status }),
      ),
    ),
  };
}

const METHODS = new Set("GET HEAD POST PUT DELETE PATCH OPTIONS CONNECT TRACE".split(" "));

/** What the operator has to see to, not the client: there from the start, so that `increase()` sees the first. */
const SHORTAGES = ["LOG_FULL", "LOG_UNAVAILABLE", "OVERLOADED"] as const satisfies ErrorCode[];

/** A client may send any word as its method; a label must not. */
function knownMethod(method: string): string {
  return METHODS.has(method) ? method : "_OTHER";
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
