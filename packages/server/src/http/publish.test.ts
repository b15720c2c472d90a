import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { probes } from "../testing/server.ts";
import { testApp } from "../testing/http-app.ts";

const STRUCTURED = { "content-type": "application/cloudevents+json" };
const BATCH = { "content-type": "application/cloudevents-batch+json" };
const JSON_TYPE = { "content-type": "application/json" };
const EVENT = { specversion: "1.0", id: "1", source: "/shop", type: "order.placed" };

test("POST /events takes a structured event, and keeps it byte for byte", async () => {
  await using app = await testApp();
  const body = JSON.stringify({
    ...EVENT,
    time: "2026-01-01T00:00:00Z",
    data: { n: 1, ü: [null] },
  });
  const { status, json } = await app.ask("POST", "/events", { headers: STRUCTURED, body });
  assert.equal(status, 202);
  assert.deepEqual(
    { ...json, trace_id: "" },
    {
      event_id: "1",
      type: "order.placed",
      status: "accepted",
      position: json.position,
      trace_id: "",
    },
  );
  const kept = await app.ask("GET", "/events/1");
  assert.equal(kept.text, body);
  assert.equal(kept.headers.get("nexus-position"), String(json.position));
});

test("POST /events says duplicate for the same source and id, and keeps one", async () => {
  await using app = await testApp();
  const send = (source: string) =>
    app.ask("POST", "/events", { headers: STRUCTURED, body: JSON.stringify({ ...EVENT, source }) });
  const first = await send("/a");
  const again = await send("/a");
  assert.equal(again.status, 202);
  assert.equal(again.json.status, "duplicate");
  assert.equal(again.json.position, first.json.position);
  assert.equal((await send("/b")).json.status, "accepted");
  assert.equal((await app.ask("GET", "/events")).json.events.length, 2);
  assert.equal((await app.ask("GET", "/events/1?source=/a")).json.source, "/a");
});

test("POST /events takes a batch as a whole, or nothing of it", async () => {
  await using app = await testApp();
  const events = [EVENT, { ...EVENT, id: "2" }, { ...EVENT, id: "1" }];
  const good = await app.ask("POST", "/events", { headers: BATCH, body: JSON.stringify(events) });
  assert.equal(good.status, 202);
  assert.deepEqual(
    good.json.events.map((one: { status: string }) => one.status),
    ["accepted", "accepted", "duplicate"],
  );
  const bad = await app.ask("POST", "/events", {
    headers: BATCH,
    body: JSON.stringify([
      { ...EVENT, id: "3" },
      { ...EVENT, id: "" },
    ]),
  });
  assert.equal(bad.status, 400);
  assert.equal(bad.json.code, "EVENT_INVALID");
  assert.match(bad.json.detail, /^Cannot parse event 2 of 2 in the batch: attribute "id"/);
  assert.equal((await app.ask("GET", "/events/3")).status, 404);
  const none = await app.ask("POST", "/events", { headers: BATCH, body: "[]" });
  assert.deepEqual(none.json, { events: [] });
});

test("POST /events takes binary mode: percent-encoded headers, any content type", async () => {
  await using app = await testApp();
  const headers = {
    "ce-specversion": "1.0",
    "ce-id": "%E2%82%AC 1 100%25",
    "ce-source": "/shop",
    "ce-type": "order.placed",
    "ce-subject": '"quoted \\" %22"',
    "ce-tenant": "a",
  };
  const bytes = Uint8Array.of(0, 1, 254, 255);
  const { status, json } = await app.ask("POST", "/events", {
    headers: { ...headers, "content-type": "image/png" },
    body: bytes,
  });
  assert.equal(status, 202);
  assert.equal(json.event_id, "€ 1 100%");
  const kept = await app.ask("GET", `/events/${encodeURIComponent("€ 1 100%")}`);
  assert.equal(kept.json.subject, 'quoted " "');
  assert.equal(kept.json.tenant, "a");
  assert.equal(kept.json.datacontenttype, "image/png");
  assert.equal(kept.json.data_base64, Buffer.from(bytes).toString("base64"));
});

const PLAIN: readonly (readonly [string, string | undefined, string | Uint8Array, object])[] = [
  ["JSON", "application/json", '{"a":1.0}', { data: { a: 1 } }],
  ["a +json type", "application/vnd.x+json; v=1", "[1]", { data: [1] }],
  ["text", "text/plain", "hé", { data: "hé" }],
  ["latin-1 text", "text/plain; charset=ISO-8859-1", Uint8Array.of(0x68, 0xe9), { data: "hé" }],
  ["a form", "application/x-www-form-urlencoded", "a=1&b=2", { data: "a=1&b=2" }],
  ["bytes", "application/octet-stream", "hi", { data_base64: "aGk=" }],
  ["JSON without a type", undefined, "{}", { data: {}, datacontenttype: "application/json" }],
  ["text without a type", undefined, "hi", { data: "hi", datacontenttype: "text/plain" }],
  ["bytes without a type", undefined, Uint8Array.of(255), { data_base64: "/w==" }],
];
for (const [what, type, body, expected] of PLAIN) {
  test(`POST /events/{type} makes an event of ${what}`, async () => {
    await using app = await testApp();
    const { handler } = app;
    // Not through fetch, which adds a content type of its own.
    const reply = await handler({
      method: "POST",
      path: "/events/a.b",
      query: "",
      headers: type === undefined ? {} : { "content-type": type },
      address: "",
      body: async () => Buffer.from(body as string),
      signal: AbortSignal.abort(),
    });
    assert.equal(reply.status, 202);
    const { event_id: id } = JSON.parse(reply.body as string) as { event_id: string };
    const { json } = await app.ask("GET", `/events/${id}`);
    for (const [name, value] of Object.entries(expected)) assert.deepEqual(json[name], value);
    assert.equal(json.source, "/events");
    assert.equal(json.type, "a.b");
    if (type !== undefined) assert.equal(json.datacontenttype, type);
  });
}

test("POST /webhook/{type} is the same call; headers give id, source, subject, time, extensions", async () => {
  await using app = await testApp();
  const headers = {
    ...JSON_TYPE,
    "ce-source": "/hook",
    "ce-subject": "s",
    "ce-time": "2026-01-01T00:00:00Z",
    "ce-tenant": "t",
    "idempotency-key": "key-1",
  };
  const ask = () => app.ask("POST", "/webhook/x", { headers, body: "{}" });
  assert.equal((await ask()).json.event_id, "key-1");
  assert.equal((await ask()).json.status, "duplicate");
  assert.deepEqual((await app.ask("GET", "/events/key-1")).json, {
    specversion: "1.0",
    id: "key-1",
    source: "/hook",
    type: "x",
    time: "2026-01-01T00:00:00Z",
    subject: "s",
    datacontenttype: "application/json",
    tenant: "t",
    data: {},
  });
});

test("POST /events?wait= answers 200 with the invocations, or 202 when time runs out first", async () => {
  await using app = await testApp(
    probes(
      { name: "quick", on: "{ event: quick }" },
      { name: "slow", on: "{ event: slow }", yaml: "env: { SPIN_MS: '1500' }" },
    ),
  );
  const done = await app.ask("POST", "/events/quick?wait=20s", { headers: JSON_TYPE, body: "{}" });
  assert.equal(done.status, 200);
  assert.equal(done.json.invocations[0].function, "quick");
  const late = await app.ask("POST", "/events/slow?wait=10ms", { headers: JSON_TYPE, body: "{}" });
  assert.equal(late.status, 202);
  assert.deepEqual(late.json.invocations, []);
  const batch = await app.ask("POST", "/events?wait=20s", {
    headers: BATCH,
    body: JSON.stringify([
      { ...EVENT, type: "quick" },
      { ...EVENT, id: "2", type: "nobody" },
    ]),
  });
  assert.equal(batch.status, 200);
  assert.deepEqual(
    batch.json.events.map((one: { invocations: unknown[] }) => one.invocations.length),
    [1, 0],
  );
});

const big = `"${"x".repeat(1024 * 1024)}"`;
const deep = `${"[".repeat(300)}${"]".repeat(300)}`;
const REFUSED: readonly (readonly [
  what: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array,
  expected: string,
])[] = [
  ["what is no JSON", "/events", STRUCTURED, "{", "400 BODY_INVALID"],
  ["nothing", "/events", STRUCTURED, "", "400 BODY_INVALID"],
  ["invalid UTF-8", "/events", STRUCTURED, Uint8Array.of(0x22, 0xff, 0x22), "400 BODY_INVALID"],
  ["an array as one event", "/events", STRUCTURED, "[]", "400 EVENT_INVALID"],
  ["an object as a batch", "/events", BATCH, "{}", "400 EVENT_INVALID"],
  [
    "a reserved type",
    "/events",
    STRUCTURED,
    JSON.stringify({ ...EVENT, type: "nexus.x" }),
    "400 EVENT_INVALID",
  ],
  ["a reserved type in the path", "/events/nexus.cron.tick", JSON_TYPE, "{}", "400 EVENT_INVALID"],
  ["plain JSON without ce headers", "/events", JSON_TYPE, "{}", "415 MEDIA_TYPE_UNSUPPORTED"],
  [
    "CloudEvents in XML",
    "/events",
    { "content-type": "application/cloudevents+xml" },
    "<a/>",
    "415 MEDIA_TYPE_UNSUPPORTED",
  ],
  [
    "structured mode in latin-1",
    "/events",
    { "content-type": "application/cloudevents+json; charset=latin1" },
    "{}",
    "415 MEDIA_TYPE_UNSUPPORTED",
  ],
  [
    "binary mode without id",
    "/events",
    { "ce-specversion": "1.0", "ce-source": "/", "ce-type": "t" },
    "",
    "400 EVENT_INVALID",
  ],
  [
    "binary mode of another version",
    "/events",
    { "ce-specversion": "0.3", "ce-id": "1", "ce-source": "/", "ce-type": "t" },
    "",
    "400 EVENT_INVALID",
  ],
  [
    "a header that is no UTF-8",
    "/events",
    { "ce-specversion": "1.0", "ce-id": "%FF", "ce-source": "/", "ce-type": "t" },
    "",
    "400 EVENT_INVALID",
  ],
  [
    "ce-datacontenttype",
    "/events/a",
    { ...JSON_TYPE, "ce-datacontenttype": "a/b" },
    "{}",
    "400 EVENT_INVALID",
  ],
  ["ce-data", "/events/a", { ...JSON_TYPE, "ce-data": "x" }, "{}", "400 EVENT_INVALID"],
  [
    "an attribute name with a dash",
    "/events/a",
    { ...JSON_TYPE, "ce-user-id": "x" },
    "{}",
    "400 EVENT_INVALID",
  ],
  [
    "another type in ce-type",
    "/events/a",
    { ...JSON_TYPE, "ce-type": "b" },
    "{}",
    "400 EVENT_INVALID",
  ],
  ["a bad ce-time", "/events/a", { ...JSON_TYPE, "ce-time": "now" }, "{}", "400 EVENT_INVALID"],
  ["what is no JSON but says so", "/events/a", JSON_TYPE, "{", "400 BODY_INVALID"],
  ["deep JSON", "/events/a", JSON_TYPE, deep, "400 BODY_INVALID"],
  [
    "text that is not of its charset",
    "/events/a",
    { "content-type": "text/plain; charset=utf-8" },
    Uint8Array.of(255),
    "400 BODY_INVALID",
  ],
  [
    "an unknown charset",
    "/events/a",
    { "content-type": "text/plain; charset=klingon" },
    "x",
    "415 MEDIA_TYPE_UNSUPPORTED",
  ],
  [
    "a compressed body",
    "/events/a",
    { ...JSON_TYPE, "content-encoding": "gzip" },
    gzipSync("{}"),
    "415 MEDIA_TYPE_UNSUPPORTED",
  ],
  [
    "deep JSON in a batch",
    "/events",
    BATCH,
    JSON.stringify([{ ...EVENT, data: JSON.parse(deep) as unknown }]),
    "400 BODY_INVALID",
  ],
  [
    "a member __proto__ beside the attributes",
    "/events",
    STRUCTURED,
    `{"__proto__":{"id":"x"},${JSON.stringify(EVENT).slice(1)}`,
    "400 EVENT_INVALID",
  ],
  ["a header ce-__proto__", "/events/a", { "ce-__proto__": "x" }, "{}", "400 EVENT_INVALID"],
  [
    "a charset that a batch cannot have",
    "/events",
    { "content-type": "application/cloudevents-batch+json; charset=klingon" },
    "[]",
    "415 MEDIA_TYPE_UNSUPPORTED",
  ],
  ["a type of a line break", "/events/a%0d%0ab", JSON_TYPE, "{}", "400 EVENT_INVALID"],
  ["a type with half an escape", "/events/a%2", JSON_TYPE, "{}", "400 REQUEST_INVALID"],
  [
    "a content type that is none",
    "/events/a",
    { "content-type": "json" },
    "{}",
    "400 REQUEST_INVALID",
  ],
  ["a body over the limit", "/events/a", JSON_TYPE, big, "413 EVENT_TOO_LARGE"],
  ["a control character in the type", "/events/a%00b", JSON_TYPE, "{}", "400 EVENT_INVALID"],
  ["a type that is not UTF-8", "/events/%ff", JSON_TYPE, "{}", "400 REQUEST_INVALID"],
  [
    "a type with a slash that is not encoded",
    "/events/a/b",
    JSON_TYPE,
    "{}",
    "404 ROUTE_NOT_FOUND",
  ],
  ["an empty type", "/events/", JSON_TYPE, "{}", "404 ROUTE_NOT_FOUND"],
  ["a wait that is no duration", "/events/a?wait=soon", JSON_TYPE, "{}", "400 REQUEST_INVALID"],
  ["a wait of nothing", "/events/a?wait=0s", JSON_TYPE, "{}", "400 REQUEST_INVALID"],
  ["a wait over five minutes", "/events/a?wait=6m", JSON_TYPE, "{}", "400 REQUEST_INVALID"],
];
test("POST /events refuses bad input with a stable code, keeps nothing of it, and goes on", async (t) => {
  await using app = await testApp();
  for (const [what, path, headers, body, expected] of REFUSED) {
    await t.test(`it refuses ${what}: ${expected}`, async () => {
      const { status, json } = await app.ask("POST", path, { headers, body });
      assert.equal(`${status} ${json.code}`, expected);
      assert.match(json.detail, /^Cannot /);
    });
  }
  assert.deepEqual((await app.ask("GET", "/events")).json.events, []);
  const rejected = (await app.deps.metrics.summary())["nexus_events_rejected_total"]!;
  assert.ok(rejected.samples.length > 0);
  const good = await app.ask("POST", "/events/a%2F..%2Fb", {
    headers: JSON_TYPE,
    body: '{"__proto__":{"x":1}}',
  });
  assert.equal(good.json.type, "a/../b");
  assert.match(
    (await app.ask("GET", `/events/${good.json.event_id}`)).text,
    /"data":\{"__proto__":\{"x":1\}\}/,
  );
});
