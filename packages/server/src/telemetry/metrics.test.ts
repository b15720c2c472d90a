import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { test } from "node:test";
import { diskOf, memoryLimit } from "./machine.ts";
import { createMetrics, type LogFigures, type Metrics, type MetricsSources } from "./metrics.ts";
import { quantile } from "./summary.ts";
import type { HistogramSample, MetricSummary, ValueSample } from "./telemetry.ts";

const LOG: LogFigures = {
  connected: true,
  tail: 41,
  events: 40,
  invocations: 39,
  deadLetters: 2,
  bytes: 4096,
  copies: 2,
  copiesWanted: 3,
};

/** What is counted from the start: shortages that only the operator can end. */
const UNHURT = { LOG_FULL: 0, LOG_UNAVAILABLE: 0, OVERLOADED: 0 };

function sources(changes: Partial<MetricsSources> = {}): MetricsSources {
  return {
    build: { version: "1.2.3", driver: "embedded" },
    functions: () => 2,
    lag: () => [{ name: "hello", waiting: 5, running: 3, retrying: 1, oldestMs: 2500 }],
    runtime: () => ({ workers: 4, busy: 2, queued: 7, replaced: 1, loaded: 3 }),
    log: async () => LOG,
    disk: async () => ({ freeBytes: 1000, sizeBytes: 5000 }),
    memoryLimitBytes: 9000,
    ...changes,
  };
}

function useEverything({ meter }: Metrics): void {
  meter.httpRequest("/events/{type}", "POST", 202, 3);
  meter.httpRequest("/events/{type}", "POST", 200, 3);
  meter.httpRequest("/events/{type}", "POST", 503, 40);
  meter.eventAccepted("http", "accepted");
  meter.eventAccepted("emit", "accepted", 3);
  meter.eventAccepted("http", "duplicate");
  meter.eventRejected("EVENT_INVALID");
  meter.appendDuration(0.5);
  meter.deliveryStarted("hello", 2);
  meter.deliveryEnded("hello", "done");
  meter.deliveryEnded("hello", "retry");
  meter.invocation("hello", "event", "succeeded", 0.03, true);
  meter.invocation("hello", "event", "succeeded", 0.03, false);
  meter.invocation("hello", "http", "timed_out", 5000, false);
  meter.cronTick("hello", 60_000, 1500);
}

function values(metric: MetricSummary | undefined): Record<string, number> {
  assert.ok(metric !== undefined && metric.type !== "histogram");
  return Object.fromEntries(
    metric.samples.map(({ labels, value }: ValueSample) => [
      Object.values(labels).join(" "),
      value,
    ]),
  );
}

function samples(metric: MetricSummary | undefined): readonly HistogramSample[] {
  assert.ok(metric?.type === "histogram");
  return metric.samples;
}

test("summary() counts what the meter was told, by label", async () => {
  const metrics = createMetrics(sources());
  useEverything(metrics);
  const all = await metrics.reader.summary();
  assert.deepEqual(values(all["nexus_http_requests_total"]), {
    "/events/{type} POST 2xx": 2,
    "/events/{type} POST 5xx": 1,
  });
  assert.deepEqual(values(all["nexus_events_total"]), {
    "http accepted": 1,
    "http duplicate": 1,
    "emit accepted": 3,
    "emit duplicate": 0,
  });
  assert.deepEqual(values(all["nexus_events_rejected_total"]), {
    ...UNHURT,
    EVENT_INVALID: 1,
  });
  assert.deepEqual(values(all["nexus_deliveries_total"]), {
    "hello done": 1,
    "hello retry": 1,
    "hello dead": 0,
  });
  assert.deepEqual(values(all["nexus_invocations_total"]), {
    "hello event succeeded": 2,
    "hello http timed_out": 1,
  });
  assert.deepEqual(values(all["nexus_invocation_starts_total"]), {
    "hello cold": 1,
    "hello warm": 2,
  });
});

test("summary() shows what the sources say, in base units", async () => {
  const all = await createMetrics(sources()).reader.summary();
  assert.deepEqual(values(all["nexus_queue_deliveries"]), {
    "hello waiting": 5,
    "hello running": 3,
    "hello retrying": 1,
  });
  assert.deepEqual(values(all["nexus_queue_lag_seconds"]), { hello: 2.5 });
  for (const [name, value] of [
    ["nexus_functions", 2],
    ["nexus_log_connected", 1],
    ["nexus_log_position", 41],
    ["nexus_log_events", 40],
    ["nexus_log_invocations", 39],
    ["nexus_log_dead_letters", 2],
    ["nexus_log_bytes", 4096],
    ["nexus_log_copies", 2],
    ["nexus_log_copies_wanted", 3],
    ["nexus_data_disk_free_bytes", 1000],
    ["nexus_data_disk_size_bytes", 5000],
    ["nexus_memory_limit_bytes", 9000],
    ["nexus_workers", 4],
    ["nexus_workers_busy", 2],
    ["nexus_worker_queue_invocations", 7],
    ["nexus_workers_replaced_total", 1],
    ["nexus_versions_loaded", 3],
  ] as const) {
    assert.deepEqual(values(all[name]), { "": value }, name);
  }
  assert.deepEqual(values(all["nexus_build_info"]), { [`1.2.3 ${process.version} embedded`]: 1 });
});

test("summary() gives count, sum and estimated quantiles of a histogram, in seconds", async () => {
  const metrics = createMetrics(sources());
  for (let ms = 1; ms <= 100; ms += 1)
    metrics.meter.invocation("f", "event", "succeeded", ms, true);
  metrics.meter.invocation("g", "event", "succeeded", 1, true);
  const [f, g] = samples((await metrics.reader.summary())["nexus_invocation_duration_seconds"]);
  assert.deepEqual(f!.labels, { function: "f" });
  assert.equal(f!.count, 100);
  assert.ok(Math.abs(f!.sum - 5.05) < 1e-9);
  assert.ok(Math.abs(f!.p50! - 0.05) < 0.001, String(f!.p50));
  assert.ok(Math.abs(f!.p90! - 0.09) < 0.001, String(f!.p90));
  assert.ok(Math.abs(f!.p99! - 0.099) < 0.001, String(f!.p99));
  assert.deepEqual([g!.labels["function"], g!.count], ["g", 1]);
});

test("summary() has every duration in seconds, and none below zero where the clock was set back", async () => {
  const { meter, reader } = createMetrics(sources());
  meter.httpRequest("/health", "GET", 200, 250);
  meter.appendDuration(500);
  meter.deliveryStarted("f", 4000);
  meter.deliveryStarted("f", -9000);
  const all = await reader.summary();
  for (const [name, sum] of [
    ["nexus_http_request_duration_seconds", 0.25],
    ["nexus_append_duration_seconds", 0.5],
    ["nexus_delivery_wait_seconds", 4],
  ] as const) {
    assert.equal(samples(all[name])[0]!.sum, sum, name);
  }
});

test("quantile() interpolates inside a bucket, and stays at the last bound beyond it", () => {
  const buckets = [
    { upperBound: 1, cumulative: 0 },
    { upperBound: 2, cumulative: 4 },
    { upperBound: Infinity, cumulative: 5 },
  ];
  assert.equal(quantile(buckets, 0.4), 1.5);
  assert.equal(quantile(buckets, 0.99), 2);
  assert.equal(quantile(buckets, 0.8), 2);
  const gap = [1, 2, 3].map((upperBound) => ({ upperBound, cumulative: upperBound < 3 ? 2 : 4 }));
  assert.equal(quantile([...gap, { upperBound: Infinity, cumulative: 4 }], 0.5), 1);
  assert.equal(quantile([{ upperBound: Infinity, cumulative: 0 }], 0.5), null);
  assert.equal(quantile([], 0.5), null);
});

test("text() is Prometheus text that counts on from scrape to scrape", async () => {
  const metrics = createMetrics(sources());
  useEverything(metrics);
  await metrics.reader.text();
  useEverything(metrics);
  const text = await metrics.reader.text();
  assert.equal(metrics.reader.contentType, "text/plain; version=0.0.4; charset=utf-8");
  assert.match(text, /^nexus_events_total\{source="emit",status="accepted"\} 6$/m);
  assert.match(text, /^# TYPE nexus_append_duration_seconds histogram$/m);
  assert.match(text, /^nexus_append_duration_seconds_bucket\{le="0.0005"\} 2$/m);
  assert.match(text, /^nexus_append_duration_seconds_bucket\{le="0.00025"\} 0$/m);
  assert.match(text, /^nexus_workers_replaced_total 1$/m);
  assert.match(text, /^process_cpu_seconds_total \d/m);
  assert.match(text, /^nodejs_eventloop_lag_p99_seconds \d/m);
});

test("text() counts right when several scrape at once", async () => {
  const metrics = createMetrics(sources());
  metrics.meter.eventRejected("LOG_FULL");
  const texts = await Promise.all([1, 2, 3].map(() => metrics.reader.text()));
  for (const text of texts) {
    assert.match(text, /^nexus_events_rejected_total\{code="LOG_FULL"\} 1$/m);
    assert.match(text, /^nexus_workers_replaced_total 1$/m);
  }
});

test("summary() has every counter of a served function from the start, and drops the queue of one that went", async () => {
  let served = ["a", "b"];
  const lag = () =>
    served.map((name) => ({ name, waiting: 0, running: 0, retrying: 0, oldestMs: 0 }));
  const { reader } = createMetrics(sources({ lag }));
  const before = await reader.summary();
  assert.equal(values(before["nexus_deliveries_total"])["b dead"], 0);
  served = ["a"];
  const after = await reader.summary();
  assert.deepEqual(values(after["nexus_queue_lag_seconds"]), { a: 0 });
});

test("cronTick() shows the newest tick and its delay, as long as the function is served", async () => {
  let served = ["a", "b"];
  const lag = () =>
    served.map((name) => ({ name, waiting: 0, running: 0, retrying: 0, oldestMs: 0 }));
  const { meter, reader } = createMetrics(sources({ lag }));
  meter.cronTick("a", 60_000, 2500);
  meter.cronTick("b", 60_000, -3);
  const late = await reader.summary();
  assert.deepEqual(values(late["nexus_cron_late_seconds"]), { a: 2.5, b: 0 });
  meter.cronTick("a", 120_000, 4);
  served = ["a"];
  const after = await reader.summary();
  assert.deepEqual(values(after["nexus_cron_late_seconds"]), { a: 0.004 });
  assert.deepEqual(values(after["nexus_cron_last_tick_timestamp_seconds"]), { a: 120 });
});

test("text() goes on without a disk that does not answer", async () => {
  const { reader } = createMetrics(sources({ disk: () => Promise.reject(new Error("gone")) }));
  assert.match(await reader.text(), /^nexus_log_connected 1$/m);
});

test("diskOf() and memoryLimit() tell of this machine what can be", async () => {
  const { freeBytes, sizeBytes } = await diskOf(import.meta.dirname);
  assert.ok(freeBytes > 0 && freeBytes <= sizeBytes, `${freeBytes} of ${sizeBytes}`);
  assert.ok(memoryLimit() > process.memoryUsage.rss() && memoryLimit() <= totalmem());
  await assert.rejects(diskOf("/there/is/no/such/path"), { code: "ENOENT" });
});

test("text() goes on without a log that rejects or does not answer", async () => {
  const failing = createMetrics(sources({ log: () => Promise.reject(new Error("gone")) }));
  assert.match(await failing.reader.text(), /^nexus_log_connected 0$/m);
  const hanging = createMetrics(sources({ log: () => new Promise(() => {}) }));
  assert.match(await hanging.reader.text(), /^nexus_log_connected 0$/m);
});

test("httpRequest() folds methods nobody knows into one label", async () => {
  const { meter, reader } = createMetrics(sources());
  for (let i = 0; i < 1000; i += 1) meter.httpRequest("*", `M${i}`, 405, 1);
  const all = await reader.summary();
  assert.deepEqual(values(all["nexus_http_requests_total"]), { "* _OTHER 4xx": 1000 });
});

test("createMetrics() shares nothing between two servers of one process", async () => {
  const [one, two] = [createMetrics(sources()), createMetrics(sources())];
  one.meter.eventRejected("LOG_FULL");
  const all = await two.reader.summary();
  assert.deepEqual(values(all["nexus_events_rejected_total"]), UNHURT);
});

test("docs/telemetry.md lists every metric with its type and labels, and no other", async () => {
  const doc = await readFile(new URL("../../../../docs/telemetry.md", import.meta.url), "utf8");
  const listed = new Map(
    [...doc.matchAll(/^\| `([a-z_0-9]+)` \| (\w+) \|([^|]*)\|/gm)].map(([, name, type, labels]) => [
      name!,
      `${type} ${[...labels!.matchAll(/`(\w+)`/g)].map(([, label]) => label).join(" ")}`.trim(),
    ]),
  );
  const metrics = createMetrics(sources());
  useEverything(metrics);
  const all = await metrics.reader.summary();
  const exported = new Map(
    Object.entries(all)
      .filter(([name]) => name.startsWith("nexus_"))
      .map(([name, { type, samples }]) => [
        name,
        `${type} ${Object.keys(samples[0]!.labels).join(" ")}`.trim(),
      ]),
  );
  assert.deepEqual(Object.fromEntries(listed), Object.fromEntries(exported));
  for (const name of Object.keys(all).filter((name) => !name.startsWith("nexus_"))) {
    assert.ok(doc.includes(`\`${name}\``), `${name} is not in docs/telemetry.md`);
  }
});
