import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { API_SEGMENTS } from "../functions/http-path.ts";
import { folderWith } from "../functions/testing/folder.ts";
import { probes } from "../testing/server.ts";
import { apiRoutes } from "./app.ts";
import { openapiText } from "./openapi-text.ts";
import type { AppDeps } from "./route.ts";
import { testApp, type TestApp } from "../testing/http-app.ts";

const JSON_TYPE = { "content-type": "application/json" };

async function publish(app: TestApp, type: string, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const { json } = await app.ask("POST", `/events/${type}?wait=20s`, {
      headers: JSON_TYPE,
      body: "{}",
    });
    ids.push(json.event_id);
  }
  return ids;
}

test("openapi.json in the repository is what the server says (`npm run generate` writes it)", async () => {
  const committed = readFileSync(new URL("../../openapi.json", import.meta.url), "utf8");
  assert.equal(committed, openapiText());
  await using app = await testApp();
  const { json } = await app.ask("GET", "/openapi.json");
  assert.deepEqual(json, JSON.parse(committed));
});

test("openapi.json refers to nothing that is not in it, and has each operation once", () => {
  const text = openapiText();
  const { components } = JSON.parse(text) as { components: { schemas: Record<string, unknown> } };
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    assert.ok(components.schemas[name!], name!);
  }
  const ids = [...text.matchAll(/"operationId": "(\w+)"/g)].map(([, id]) => id);
  assert.ok(ids.length > 20);
  assert.equal(new Set(ids).size, ids.length);
});

test("GET /nexus.schema.json is the schema that the repository has", async () => {
  const file = new URL("../../../../docs/nexus.schema.json", import.meta.url);
  await using app = await testApp();
  const { json } = await app.ask("GET", "/nexus.schema.json");
  assert.deepEqual(json, JSON.parse(readFileSync(file, "utf8")));
});

test("no function's path can hide a call of the API", () => {
  for (const { path } of apiRoutes({} as AppDeps)) {
    const [, segment] = path.split("/");
    assert.ok(API_SEGMENTS.includes(segment!), path);
  }
});

test("GET /events lists newest first, page by page, and filters", async () => {
  await using app = await testApp();
  const ids = [...(await publish(app, "a.one", 3)), ...(await publish(app, "b.two", 2))];
  const seen: string[] = [];
  let cursor = "";
  do {
    const { json } = await app.ask("GET", `/events?limit=2&cursor=${encodeURIComponent(cursor)}`);
    seen.push(...json.events.map((event: { id: string }) => event.id));
    cursor = json.next_cursor ?? "";
  } while (cursor !== "");
  assert.deepEqual(seen, ids.toReversed());
  const count = async (query: string) =>
    (await app.ask("GET", `/events?${query}`)).json.events.length;
  assert.equal(await count("type=a.*"), 3);
  assert.equal(await count("source=/nowhere"), 0);
  assert.equal(await count("since=1h"), 5);
  assert.equal(await count(`until=${encodeURIComponent("2020-01-01T00:00:00Z")}`), 0);
});

test("GET /invocations, /events/{id}/invocations and /replay tell of the same runs", async () => {
  await using app = await testApp(probes({ name: "worker", on: "{ event: a }" }));
  const [id] = await publish(app, "a", 1);
  const ofEvent = await app.ask("GET", `/events/${id}/invocations`);
  const [record] = ofEvent.json.invocations;
  assert.deepEqual((await app.ask("GET", `/invocations/${record.id}`)).json, record);
  const replayed = await app.ask("POST", `/replay/${id}?function=worker`);
  assert.equal(replayed.status, 200);
  assert.equal(replayed.json.invocations[0].trigger, "replay");
  const listed = await app.ask("GET", "/invocations?function=worker&status=succeeded&since=1h");
  assert.deepEqual(
    listed.json.invocations.map((one: { id: string }) => one.id),
    [replayed.json.invocations[0].id, record.id],
  );
});

test("dead letters are listed, got, and redriven one by one and by filter", async () => {
  await using app = await testApp(
    probes({
      name: "strict",
      on: "{ event: 'a*' }",
      yaml: "env: { FAIL_UNTIL: '9' }\nretry: { attempts: 1 }",
    }),
  );
  await publish(app, "a1", 2);
  await publish(app, "a2", 3);
  const letters = (await app.ask("GET", "/dead-letters?function=strict&type=a1")).json.dead_letters;
  assert.equal(letters.length, 2);
  assert.deepEqual((await app.ask("GET", `/dead-letters/${letters[0].id}`)).json, letters[0]);
  const redrive = `/dead-letters/${letters[0].id}/redrive`;
  assert.deepEqual((await app.ask("POST", redrive)).json, { redriven: 1 });
  const many = await app.ask("POST", "/dead-letters/redrive", {
    headers: JSON_TYPE,
    body: '{"type":"a2","limit":2}',
  });
  assert.deepEqual(many.json, { redriven: 2 });
  const none = await app.ask("POST", "/dead-letters/redrive?function=other");
  assert.deepEqual(none.json, { redriven: 0 });
  const wrong = await app.ask("POST", "/dead-letters/redrive", {
    headers: JSON_TYPE,
    body: '{"functoin":"x"}',
  });
  assert.equal(wrong.json.code, "REQUEST_INVALID");
});

test("GET /functions tells settings and counters, and never a value of the environment", async () => {
  await using app = await testApp(
    probes({ name: "worker", on: "{ event: a }", yaml: "env: { SECRET: hunter2 }" }),
  );
  await publish(app, "a", 2);
  const { json, text } = await app.ask("GET", "/functions");
  assert.deepEqual(json.functions[0].env, ["SECRET"]);
  assert.doesNotMatch(text, /hunter2/);
  assert.deepEqual(json.functions[0].counters.invocations, { succeeded: 2 });
  assert.deepEqual((await app.ask("GET", "/functions/worker")).json.name, "worker");
});

test("GET /functions tells which files a function is given", async () => {
  await using folder = await folderWith({ "a.txt": "12345", "in/b.txt": "" });
  const mounts = `mounts: [{ host: ${folder.path}, guest: /data }]`;
  await using app = await testApp(
    probes(
      { name: "with", on: "{ event: a }", yaml: `scratch: 1Mi\n${mounts}` },
      { name: "without", on: "{ event: a }" },
    ),
  );
  const given = (await app.ask("GET", "/functions/with")).json.files;
  const [mount, ...more] = given.mounts;
  assert.match(mount.sha256, /^[0-9a-f]{64}$/);
  assert.deepEqual(
    { ...mount, sha256: "" },
    { guest: "/data", host: folder.path, sha256: "", files: 3, bytes: 5 },
  );
  assert.deepEqual(more, []);
  assert.equal(given.scratch_bytes, 1024 * 1024);
  const none = (await app.ask("GET", "/functions/without")).json.files;
  assert.deepEqual(none, { scratch_bytes: 0, mounts: [] });
});

test("GET /health, /livez, /readyz, /metrics and /errors answer what they promise", async () => {
  await using app = await testApp();
  const health = await app.ask("GET", "/health");
  assert.equal(health.json.status, "ok");
  assert.equal(health.json.nats_connected, false);
  assert.equal((await app.ask("GET", "/livez")).status, 200);
  assert.equal((await app.ask("GET", "/readyz")).json.ready, true);
  assert.match((await app.ask("GET", "/metrics")).text, /^# HELP /m);
  const asJson = await app.ask("GET", "/metrics", { headers: { accept: "application/json" } });
  assert.equal(asJson.json.nexus_functions.type, "gauge");
  assert.match((await app.ask("GET", "/errors")).text, /^## EVENT_INVALID$/m);
});

describe("what is not there, and what is asked wrongly", () => {
  const cases: readonly (readonly [method: string, path: string, expected: string])[] = [
    ["GET", "/nowhere", "404 ROUTE_NOT_FOUND"],
    ["GET", "/nothing", "404 ROUTE_NOT_FOUND"],
    ["GET", "//events", "404 ROUTE_NOT_FOUND"],
    ["DELETE", "/events", "405 METHOD_NOT_ALLOWED"],
    ["PUT", "/events/a", "405 METHOD_NOT_ALLOWED"],
    ["GET", "/events/none", "404 EVENT_NOT_FOUND"],
    ["GET", "/events/none/invocations", "404 EVENT_NOT_FOUND"],
    ["POST", "/replay/none", "404 EVENT_NOT_FOUND"],
    ["GET", "/invocations/none", "404 INVOCATION_NOT_FOUND"],
    ["GET", "/dead-letters/none", "404 DEAD_LETTER_NOT_FOUND"],
    ["POST", "/dead-letters/none/redrive", "404 DEAD_LETTER_NOT_FOUND"],
    ["GET", "/functions/none", "404 FUNCTION_NOT_FOUND"],
    ["GET", "/events?cursor=nonsense", "400 CURSOR_INVALID"],
    ["GET", "/invocations?cursor=AAAA", "400 CURSOR_INVALID"],
    ["GET", "/dead-letters?cursor=%F0%9F%92%A9", "400 CURSOR_INVALID"],
    ["GET", "/events?limit=0", "400 REQUEST_INVALID"],
    ["GET", "/events?limit=1001", "400 REQUEST_INVALID"],
    ["GET", "/events?limit=1e2", "400 REQUEST_INVALID"],
    ["GET", "/events?limit=-1", "400 REQUEST_INVALID"],
    ["GET", "/events?limit=5&limit=6", "400 REQUEST_INVALID"],
    ["GET", "/events?since=yesterday", "400 REQUEST_INVALID"],
    ["GET", "/events?until=2026-13-01T00:00:00Z", "400 REQUEST_INVALID"],
    ["GET", "/events?tpye=a", "400 REQUEST_INVALID"],
    ["GET", "/invocations?status=good", "400 REQUEST_INVALID"],
  ];
  for (const [method, path, expected] of cases) {
    test(`${method} ${path} answers ${expected}`, async () => {
      await using app = await testApp();
      const { status, json, headers } = await app.ask(method, path);
      assert.equal(`${status} ${json.code}`, expected);
      assert.equal(headers.has("allow"), status === 405);
      assert.equal(json.type, `/errors#${json.code}`);
    });
  }
});

test("createApp() continues a traceparent, stores it with the event, and reports the span", async () => {
  await using app = await testApp();
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const { json, headers } = await app.ask("POST", "/events/a", {
    headers: { ...JSON_TYPE, traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
    body: "{}",
  });
  assert.equal(json.trace_id, traceId);
  const span = app.spans.find(({ name }) => name === "POST /events/:type")!;
  assert.equal(headers.get("traceparent"), `00-${traceId}-${span.trace.spanId}-01`);
  assert.equal(span.parentSpanId, "00f067aa0ba902b7");
  const stored = await app.deps.log.find(json.event_id);
  assert.equal(stored!.meta.traceparent, headers.get("traceparent"));
});

test("createApp() answers INTERNAL to a bug, without its words", async () => {
  await using app = await testApp();
  const { json, status } = await app.ask("GET", "/livez");
  assert.equal(status, 200);
  assert.equal(json.status, "ok");
  const reply = await app.handler({
    method: "POST",
    path: "/events/a",
    query: "",
    headers: {},
    address: "",
    body: () => Promise.reject(new TypeError("secret words")),
    signal: AbortSignal.abort(),
  });
  assert.equal(reply.status, 500);
  assert.match(reply.body as string, /"code":"INTERNAL"/);
  assert.doesNotMatch(reply.body as string, /secret/);
});

test("GET /events/stream gives events and invocations as they come, filtered", async () => {
  await using app = await testApp(
    probes({ name: "a", on: "{ event: a }" }, { name: "b", on: "{ event: b }" }),
  );
  const gone = new AbortController();
  const reply = await app.handler({
    method: "GET",
    path: "/events/stream",
    query: "function=b",
    headers: {},
    address: "",
    body: async () => new Uint8Array(0),
    signal: gone.signal,
  });
  const frames: string[] = [];
  for await (const frame of reply.body as AsyncIterable<string>) {
    frames.push(frame);
    if (frames.length === 1) {
      await publish(app, "a", 1);
      await publish(app, "b", 1);
    }
    if (frames.length === 3) break;
  }
  gone.abort();
  assert.equal(frames[0], ": connected\n\n");
  assert.match(frames[1]!, /^event: event\ndata: \{.*"type":"b".*\}\n\n$/);
  assert.match(frames[2]!, /^event: invocation\ndata: \{.*"function":"b".*\}\n\n$/);
});
