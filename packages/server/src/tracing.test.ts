// One event's trace, from a real server to a real receiver of OTLP over HTTP.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { test } from "node:test";
import { collector, type Collector, type OtlpSpan } from "./testing/collector.ts";
import { probes, testServer, type Probe, type TestServer } from "./testing/server.ts";

const TIMEOUT = { timeout: 60_000 };
const REMOTE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

interface Accepted {
  readonly event_id: string;
  readonly trace_id: string;
}

function tracedServer(sink: { readonly url: string }, ...functions: readonly Probe[]) {
  return testServer(probes(...functions), {
    otel: { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_BSP_SCHEDULE_DELAY: "10" },
  });
}

/** The spans that came, once as many as `count` are of the trace. */
async function trace(sink: Collector, traceId: string, count: number): Promise<OtlpSpan[]> {
  for (;;) {
    const spans = sink.spans().filter((span) => span.traceId === traceId);
    if (spans.length >= count) return spans;
    await sink.arrival();
  }
}

/** Each span's name, under the name of its parent: `grandparent > parent > span`. */
function lines(spans: readonly OtlpSpan[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const line = ({ name, parentSpanId }: OtlpSpan): string => {
    const parent = byId.get(parentSpanId ?? "");
    return parent === undefined ? name : `${line(parent)} > ${name}`;
  };
  return spans.map(line).toSorted();
}

async function publish(server: TestServer, path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${server.url}${path}`, { method: "POST", headers });
  return { status: response.status, accepted: (await response.json()) as Accepted };
}

test(
  "a trace goes from the request over append and delivery to each attempt, and on to what it emits",
  TIMEOUT,
  async () => {
    await using sink = await collector();
    await using server = await tracedServer(
      sink,
      {
        name: "first",
        on: "{ event: a }",
        yaml: `env: { FAIL_UNTIL: "2", EMIT: '{"type":"b"}' }\nretry: { backoff: 1ms, jitter: false }`,
      },
      { name: "second", on: "{ event: b }" },
    );
    const { accepted } = await publish(server, "/events/a", { traceparent: REMOTE });
    assert.equal(accepted.trace_id, REMOTE.slice(3, 35));
    const spans = await trace(sink, accepted.trace_id, 8);
    const road = "POST /events/:type > append event";
    assert.deepEqual(lines(spans), [
      "POST /events/:type",
      road,
      `${road} > deliver first`,
      `${road} > deliver first`,
      `${road} > deliver first > invoke first`,
      `${road} > deliver first > invoke first`,
      `${road} > deliver first > invoke first > deliver second`,
      `${road} > deliver first > invoke first > deliver second > invoke second`,
    ]);
    const request = spans.find(({ name }) => name === "POST /events/:type")!;
    assert.equal(request.parentSpanId, REMOTE.slice(36, 52), "under the client's own span");
    const states = spans
      .filter(({ name }) => name === "deliver first")
      .toSorted((a, b) => (a.startTimeUnixNano < b.startTimeUnixNano ? -1 : 1))
      .map(({ attributes, status }) => [
        attributes.find(({ key }) => key === "nexus.delivery")?.value["stringValue"],
        status.code,
      ]);
    assert.deepEqual(states, [
      ["retry", 2],
      ["done", 0],
    ]);
  },
);

test("a replay is a trace of its own, linked to the original's", TIMEOUT, async () => {
  await using sink = await collector();
  await using server = await tracedServer(sink, { name: "worker", on: "{ event: a }" });
  const { accepted } = await publish(server, "/events/a?wait=20s");
  const original = await trace(sink, accepted.trace_id, 4);
  const appended = original.find(({ name }) => name === "append event")!;

  const { headers } = await fetch(`${server.url}/replay/${accepted.event_id}`, { method: "POST" });
  const replayId = headers.get("traceparent")!.slice(3, 35);
  assert.notEqual(replayId, accepted.trace_id);
  const replay = await trace(sink, replayId, 2);
  const road = "POST /replay/:event_id";
  assert.deepEqual(lines(replay), [road, `${road} > invoke worker`]);
  const { links } = replay.find(({ name }) => name === "invoke worker")!;
  assert.deepEqual(
    links.map(({ traceId, spanId }) => [traceId, spanId]),
    [[accepted.trace_id, appended.spanId]],
  );
});

test("an answering call and a cron tick have a trace of the same shape", TIMEOUT, async () => {
  await using sink = await collector();
  await using server = await tracedServer(
    sink,
    { name: "page", on: "{ http: { path: /page, respond: true } }" },
    { name: "clock", on: '{ cron: "* * * * * *" }' },
  );
  const { headers } = await fetch(`${server.url}/page`, { method: "POST" });
  const call = await trace(sink, headers.get("traceparent")!.slice(3, 35), 4);
  const road = "POST /page > append event";
  assert.deepEqual(lines(call), [
    "POST /page",
    road,
    `${road} > deliver page`,
    `${road} > deliver page > invoke page`,
  ]);

  let run: OtlpSpan | undefined;
  while (run === undefined) {
    run = sink.spans().find(({ name }) => name === "invoke clock");
    if (run === undefined) await sink.arrival();
  }
  assert.deepEqual(lines(await trace(sink, run.traceId, 4)), [
    "tick clock",
    "tick clock > append event",
    "tick clock > append event > deliver clock",
    "tick clock > append event > deliver clock > invoke clock",
  ]);
});

test(
  "close() waits 2 s and no longer for a collector that takes spans and never answers",
  TIMEOUT,
  async () => {
    await using hole = await blackHole();
    await using server = await tracedServer(hole, { name: "worker", on: "{ event: a }" });
    await publish(server, "/events/a?wait=20s");
    await hole.connected;
    const begun = performance.now();
    await server.running.close();
    const took = performance.now() - begun;
    assert.ok(took > 1500 && took < 5000, `${took} ms`);
    assert.ok(server.lines.some((line) => line.includes("Cannot send the last spans")));
  },
);

/** Takes connections and never answers. */
async function blackHole() {
  const sockets: Socket[] = [];
  const hole = createServer((socket) => {
    sockets.push(socket);
    // Its client is cut off at the end: what that does to this side is nobody's business.
    socket.on("error", () => undefined).resume();
  }).listen(0, "127.0.0.1");
  const connected = once(hole, "connection");
  await once(hole, "listening");
  return {
    url: `http://127.0.0.1:${(hole.address() as AddressInfo).port}`,
    connected,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      hole.close();
      await once(hole, "close");
    },
  };
}
