import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { tracingConfig, type Environment } from "./tracing.ts";

test("tracingConfig() has no endpoint where nothing is set, tracing is off, or another exporter is asked for", () => {
  const base = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };
  for (const env of [
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: "" },
    { ...base, OTEL_SDK_DISABLED: "TRUE" },
    { ...base, OTEL_TRACES_EXPORTER: "none" },
  ]) {
    const { endpoint, warnings } = tracingConfig(env);
    assert.deepEqual([endpoint, warnings], [undefined, []]);
  }
  const { endpoint, warnings } = tracingConfig({ ...base, OTEL_TRACES_EXPORTER: "zipkin" });
  assert.equal(endpoint, undefined);
  assert.match(warnings.join(), /"zipkin"/);
});

test("tracingConfig() adds v1/traces to the common endpoint, and takes the signal's own as it is", () => {
  for (const [common, own, expected] of [
    ["http://c:4318", undefined, "http://c:4318/v1/traces"],
    ["http://c:4318/", undefined, "http://c:4318/v1/traces"],
    ["https://c/base/", undefined, "https://c/base/v1/traces"],
    ["http://c/base?k=v", undefined, "http://c/base/v1/traces?k=v"],
    ["http://c:4318", "http://t:4318/", "http://t:4318/"],
    [undefined, "http://t:4318/custom", "http://t:4318/custom"],
  ] as const) {
    const { endpoint } = tracingConfig({
      OTEL_EXPORTER_OTLP_ENDPOINT: common,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own,
    });
    assert.equal(endpoint, expected);
  }
});

test("tracingConfig() reads names, attributes, headers and numbers, the signal's own first", () => {
  const config = tracingConfig({
    OTEL_RESOURCE_ATTRIBUTES: "service.name=fromattrs, team=a%2Cb ,",
    OTEL_EXPORTER_OTLP_HEADERS: "a=1,b=2==",
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: "a=3",
    OTEL_EXPORTER_OTLP_TIMEOUT: "500",
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "700",
    OTEL_BSP_MAX_QUEUE_SIZE: "64",
  });
  assert.equal(config.serviceName, "fromattrs");
  assert.deepEqual(config.resourceAttributes, { "service.name": "fromattrs", team: "a,b" });
  assert.deepEqual(config.headers, { a: "3", b: "2==" });
  assert.equal(config.exportTimeoutMs, 700);
  assert.deepEqual(config.batch, {
    maxQueueSize: 64,
    maxExportBatchSize: 64,
    scheduledDelayMs: 5000,
  });
  assert.deepEqual(config.warnings, []);
  assert.equal(tracingConfig({}).serviceName, "nexus-functions");
  assert.equal(tracingConfig({ OTEL_SERVICE_NAME: "s" }).serviceName, "s");
});

test("tracingConfig() reads every sampler of the specification that needs no agent", () => {
  for (const [name, arg, parentBased, ratio] of [
    [undefined, undefined, true, 1],
    ["always_on", undefined, false, 1],
    ["always_off", "1", false, 0],
    ["traceidratio", "0.1", false, 0.1],
    ["parentbased_always_on", undefined, true, 1],
    ["parentbased_always_off", undefined, true, 0],
    ["parentbased_traceidratio", "0", true, 0],
    ["parentbased_traceidratio", undefined, true, 1],
  ] as const) {
    const { sampler, warnings } = tracingConfig({
      OTEL_TRACES_SAMPLER: name,
      OTEL_TRACES_SAMPLER_ARG: arg,
    });
    assert.deepEqual([sampler, warnings], [{ parentBased, ratio }, []]);
  }
});

test("tracingConfig() names each variable that it cannot follow, and shows no header", () => {
  const { warnings, ...config } = tracingConfig({
    OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318",
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=%zz-secret",
    OTEL_RESOURCE_ATTRIBUTES: "noequals",
    OTEL_TRACES_SAMPLER: "jaeger_remote",
    OTEL_BSP_SCHEDULE_DELAY: "soon",
  });
  assert.equal(config.endpoint, undefined);
  assert.deepEqual(config.headers, {});
  assert.deepEqual(config.sampler, { parentBased: true, ratio: 1 });
  assert.equal(config.batch.scheduledDelayMs, 5000);
  assert.deepEqual(
    new Set(warnings.map((warning) => warning.split(":")[0])),
    new Set([
      "OTEL_BSP_SCHEDULE_DELAY",
      "OTEL_EXPORTER_OTLP_ENDPOINT",
      "OTEL_EXPORTER_OTLP_HEADERS",
      "OTEL_RESOURCE_ATTRIBUTES",
      "OTEL_TRACES_SAMPLER",
    ]),
  );
  assert.doesNotMatch(warnings.join(), /secret/);
  const grpc = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
  assert.match(tracingConfig(grpc).warnings.join(), /"grpc"/);
});

test("tracingConfig() takes any text in any variable without throwing", () => {
  const names = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
  ] as const;
  const environment = fc.record(
    Object.fromEntries(names.map((name) => [name, fc.oneof(fc.string(), fc.webUrl())])),
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(environment, (env: Environment) => {
      const { sampler, batch } = tracingConfig(env);
      assert.ok(sampler.ratio >= 0 && sampler.ratio <= 1);
      assert.ok(batch.maxExportBatchSize <= batch.maxQueueSize);
    }),
    { numRuns: 50 },
  );
});
