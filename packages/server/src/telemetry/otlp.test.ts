import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { childTrace } from "../core/trace.ts";
import { collector, type OtlpSpan, type Received } from "../testing/collector.ts";
import { createLogger } from "./logger.ts";
import type { FinishedSpan, Logger } from "./telemetry.ts";
import { createTracer, tracingConfig, type Environment } from "./tracing.ts";

function collectingLogger(): { logger: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({
    level: "debug",
    format: "json",
    write: (text) => lines.push(JSON.parse(text) as Record<string, unknown>),
    now: () => new Date(),
    colour: false,
  });
  return { logger, lines };
}

function tracer(env: Environment, logger = collectingLogger().logger) {
  return createTracer(tracingConfig(env), { version: "1.2.3", logger });
}

function span(changes: Partial<FinishedSpan> = {}): FinishedSpan {
  return {
    name: "invoke hello",
    kind: "consumer",
    trace: childTrace(),
    startedAt: 1_767_225_600_000.25,
    endedAt: 1_767_225_600_012.5,
    attributes: {},
    ...changes,
  };
}

test("createTracer() sends ids, parent, links, kind, times, status and attributes to the collector", async () => {
  await using sink = await collector();
  const traces = await tracer({
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Basic%20abc,x-tenant=t1",
    OTEL_SERVICE_NAME: "orders",
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,service.name=hidden",
  });
  assert.ok(traces.enabled);
  const request = traces.root();
  const invocation = childTrace(request);
  const original = childTrace();
  traces.span(span({ name: "POST /events/{type}", kind: "server", trace: request }));
  traces.span(
    span({
      trace: invocation,
      parentSpanId: request.spanId,
      links: [original],
      attributes: { "faas.name": "hello", "nexus.attempt": 2, "faas.coldstart": true, ms: 0.5 },
      error: "Cannot run function: it trapped",
    }),
  );
  await traces.flush();

  const [{ path, headers, body }] = sink.received as [Received];
  assert.equal(path, "/v1/traces");
  assert.equal(headers.authorization, "Basic abc");
  assert.equal(headers["x-tenant"], "t1");
  const resource = body.resourceSpans[0]!.resource.attributes;
  for (const [key, stringValue] of [
    ["service.name", "orders"],
    ["service.version", "1.2.3"],
    ["deployment.environment.name", "test"],
    ["telemetry.sdk.language", "nodejs"],
  ] as const) {
    assert.deepEqual(resource.find((attribute) => attribute.key === key)?.value, { stringValue });
  }

  const [server, consumer] = sink.spans() as [OtlpSpan, OtlpSpan];
  assert.equal(server.name, "POST /events/{type}");
  assert.equal(server.kind, 2);
  assert.equal(server.parentSpanId, undefined);
  assert.deepEqual(server.status, { code: 0 });
  assert.deepEqual(
    [consumer.traceId, consumer.spanId, consumer.parentSpanId],
    [request.traceId, invocation.spanId, request.spanId],
  );
  assert.equal(consumer.kind, 5);
  assert.equal(consumer.startTimeUnixNano, "1767225600000250000");
  assert.equal(consumer.endTimeUnixNano, "1767225600012500000");
  assert.deepEqual(consumer.status, { code: 2, message: "Cannot run function: it trapped" });
  assert.deepEqual(
    consumer.links.map(({ traceId, spanId }) => [traceId, spanId]),
    [[original.traceId, original.spanId]],
  );
  assert.deepEqual(consumer.attributes, [
    { key: "faas.name", value: { stringValue: "hello" } },
    { key: "nexus.attempt", value: { intValue: 2 } },
    { key: "faas.coldstart", value: { boolValue: true } },
    { key: "ms", value: { doubleValue: 0.5 } },
  ]);
});

test("createTracer() sends batches by itself, without flush()", async () => {
  await using sink = await collector();
  const traces = await tracer({
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${sink.url}/as/it/is`,
    OTEL_BSP_SCHEDULE_DELAY: "1",
  });
  traces.span(span());
  await sink.arrival();
  assert.equal(sink.received[0]?.path, "/as/it/is");
  await traces.flush();
});

test("flush() waits for what is on its way already", async () => {
  await using sink = await collector();
  const traces = await tracer({
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "1",
  });
  traces.span(span());
  await traces.flush();
  assert.equal(sink.spans().length, 1);
});

test("createTracer() warns once while the collector is down, drops what does not fit, and says when it is back", async () => {
  const { url } = await (async () => {
    await using gone = await collector();
    return gone;
  })();
  const { logger, lines } = collectingLogger();
  const traces = await tracer(
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_TIMEOUT: "200",
      OTEL_BSP_MAX_QUEUE_SIZE: "100",
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10",
    },
    logger,
  );
  for (let round = 0; round < 3; round += 1) {
    for (let i = 0; i < 1000; i += 1) traces.span(span());
    await traces.flush();
  }
  assert.deepEqual(
    lines.map(({ level, endpoint }) => [level, endpoint]),
    [["warn", `${url}/v1/traces`]],
  );

  await using sink = await collector(Number(new URL(url).port));
  for (let i = 0; i < 1000; i += 1) traces.span(span());
  await traces.flush();
  // One batch on its way and a full queue, of a thousand.
  assert.equal(sink.spans().length, 110);
  assert.equal(lines.length, 2);
  assert.equal(lines[1]!["level"], "info");
  assert.equal(lines[1]!["dropped"], 3 * 1000 + 890);
});

test("createTracer() says how many spans a healthy collector was too slow for, and does not repeat it", async () => {
  await using sink = await collector();
  const { logger, lines } = collectingLogger();
  const traces = await tracer(
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
      OTEL_BSP_MAX_QUEUE_SIZE: "100",
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10",
    },
    logger,
  );
  for (let round = 0; round < 2; round += 1) {
    for (let i = 0; i < 1000; i += 1) traces.span(span());
    await traces.flush();
  }
  assert.equal(sink.spans().length, 220);
  assert.deepEqual(
    lines.map(({ level, dropped }) => [level, dropped]),
    [["warn", 890]],
  );
});

test("createTracer() loads nothing of OpenTelemetry without an endpoint", async () => {
  const script = `
    import { registerHooks } from "node:module";
    const seen = [];
    registerHooks({ resolve(name, context, next) { seen.push(name); return next(name, context); } });
    const { createTracer, tracingConfig } = await import(${JSON.stringify(new URL("tracing.ts", import.meta.url))});
    const options = { version: "1", logger: { warn() {} } };
    const counts = [];
    for (const env of [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" }]) {
      const { enabled } = await createTracer(tracingConfig(env), options);
      counts.push([enabled, seen.some((name) => name.startsWith("@opentelemetry/"))]);
    }
    process.stdout.write(JSON.stringify(counts));`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--input-type=module",
    "--eval",
    script,
  ]);
  assert.deepEqual(JSON.parse(stdout), [
    [false, false],
    [true, true],
  ]);
});

async function sentOf(env: Environment, spans: readonly FinishedSpan[]) {
  await using sink = await collector();
  const traces = await tracer({ ...env, OTEL_EXPORTER_OTLP_ENDPOINT: sink.url });
  for (const one of spans) traces.span(one);
  await traces.flush();
  return new Set(sink.spans().map(({ traceId }) => traceId));
}

test("span() follows the sampled flag unless the sampler is told not to", async () => {
  const yes = span();
  const no = span({ trace: { ...childTrace(), sampled: false } });
  for (const [sampler, expected] of [
    [undefined, [yes]],
    ["parentbased_always_off", [yes]],
    ["always_on", [yes, no]],
    ["always_off", []],
  ] as const) {
    const sent = await sentOf({ OTEL_TRACES_SAMPLER: sampler }, [yes, no]);
    const traceIds = expected.map(({ trace }) => trace.traceId);
    assert.deepEqual(sent, new Set(traceIds), `${sampler}`);
  }
});

test("root() keeps the share of new traces that traceidratio says, and the same ones everywhere", async () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9",
    OTEL_TRACES_SAMPLER_ARG: "0.25",
  };
  const sampling = await tracer({ ...env, OTEL_TRACES_SAMPLER: "parentbased_traceidratio" });
  const traces = Array.from({ length: 2000 }, () => sampling.root());
  const kept = traces.filter(({ sampled }) => sampled);
  assert.ok(Math.abs(kept.length - 500) < 120, `${kept.length} of 2000`);

  const sent = await sentOf(
    { OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.25" },
    traces.slice(0, 400).map((trace) => span({ trace })),
  );
  assert.deepEqual(
    sent,
    new Set(
      traces
        .slice(0, 400)
        .filter(({ sampled }) => sampled)
        .map(({ traceId }) => traceId),
    ),
  );
});
