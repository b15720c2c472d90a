import { setTimeout as sleep } from "node:timers/promises";
import { collectDefaultMetrics, Registry } from "prom-client";
import { instruments } from "./instruments.ts";
import { createMeter } from "./meter.ts";
import { summarise } from "./summary.ts";
import { TallyCounter } from "./tally.ts";
import type { Meter, MetricsReader } from "./telemetry.ts";

/** Where the gauges come from; each is asked once a scrape. */
export interface MetricsSources {
  readonly build: { readonly version: string; readonly driver: string };
  functions(): number;
  lag(): readonly LagFigures[];
  runtime(): RuntimeFigures;
  /** May reject or hang where the store cannot be reached: the scrape goes on without it. */
  log(): Promise<LogFigures>;
  /** The file system of the data directory. May reject or hang like `log`. */
  disk(): Promise<DiskFigures>;
  readonly memoryLimitBytes: number;
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
  readonly copies: number;
  readonly copiesWanted: number;
}

export interface DiskFigures {
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

export interface Metrics {
  readonly meter: Meter;
  readonly reader: MetricsReader;
}

/** A log that has not answered by then counts as not connected. */
const PATIENCE_MS = 2000;

/** Metrics in a registry of their own, with those of the process. */
export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  const metrics = instruments(registry);
  collectDefaultMetrics({ register: registry });
  const { version, driver } = sources.build;
  metrics.buildInfo.set({ version, node: process.version, driver }, 1);
  metrics.memoryLimit.set(sources.memoryLimitBytes);

  const meter = createMeter(metrics);
  const workersReplaced = metrics.workersReplaced.tally({});
  let replacedSeen = 0;

  async function refresh(): Promise<void> {
    metrics.functions.set(sources.functions());

    // What is no longer served vanishes.
    metrics.queue.reset();
    metrics.queueLag.reset();
    metrics.cronLastTick.reset();
    metrics.cronLate.reset();
    for (const { name, waiting, running, retrying, oldestMs } of sources.lag()) {
      meter.announce(name);
      metrics.queue.set({ function: name, state: "waiting" }, waiting);
      metrics.queue.set({ function: name, state: "running" }, running);
      metrics.queue.set({ function: name, state: "retrying" }, retrying);
      metrics.queueLag.set({ function: name }, oldestMs / 1000);
      const tick = meter.lastTick(name);
      if (tick === undefined) continue;
      metrics.cronLastTick.set({ function: name }, tick.dueAt / 1000);
      metrics.cronLate.set({ function: name }, tick.lateMs / 1000);
    }

    const runtime = sources.runtime();
    metrics.workers.set(runtime.workers);
    metrics.workersBusy.set(runtime.busy);
    metrics.workerQueue.set(runtime.queued);
    metrics.versionsLoaded.set(runtime.loaded);
    workersReplaced.pending += runtime.replaced - replacedSeen;
    replacedSeen = runtime.replaced;

    const [log, disk] = await Promise.all([
      answerInTime(sources.log()),
      answerInTime(sources.disk()),
    ]);
    metrics.logConnected.set(log?.connected === true ? 1 : 0);
    if (log !== undefined) {
      metrics.logPosition.set(log.tail);
      metrics.logEvents.set(log.events);
      metrics.logInvocations.set(log.invocations);
      metrics.logDeadLetters.set(log.deadLetters);
      metrics.logBytes.set(log.bytes);
      metrics.logCopies.set(log.copies);
      metrics.logCopiesWanted.set(log.copiesWanted);
    }
    if (disk !== undefined) {
      metrics.diskFree.set(disk.freeBytes);
      metrics.diskSize.set(disk.sizeBytes);
    }
    for (const metric of Object.values(metrics)) {
      if (metric instanceof TallyCounter) metric.flush();
    }
  }

  return {
    meter,
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

async function answerInTime<T>(figures: Promise<T>): Promise<T | undefined> {
  const timer = new AbortController();
  try {
    const late = sleep(PATIENCE_MS, undefined, { signal: timer.signal, ref: false });
    return await Promise.race([figures, late]);
  } catch {
    return undefined;
  } finally {
    timer.abort();
  }
}
