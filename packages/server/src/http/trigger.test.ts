import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { probes } from "../testing/server.ts";
import { testApp } from "../testing/http-app.ts";
import { responder } from "../testing/responder.ts";

test("an HTTP trigger with respond: true answers with what the function wrote", async () => {
  await using app = await testApp(responder("/users/:id/*"));
  const { status, headers, json } = await app.ask("POST", "/users/a%2Fb/x/y?q=1&q=2&r=", {
    headers: { "content-type": "text/plain", "x-mine": "yes" },
    body: "hello",
  });
  assert.equal(status, 200);
  assert.equal(headers.get("content-type"), "application/json");
  assert.match(headers.get("nexus-invocation-id")!, /^[0-9a-f-]{36}$/);
  assert.equal(json.type, "nexus.http.request");
  assert.equal(json.source, "/nexus/http/page");
  const { data } = json;
  assert.equal(data.method, "POST");
  assert.equal(data.path, "/users/a%2Fb/x/y");
  assert.deepEqual(data.params, { id: "a/b", "*": "x/y" });
  assert.deepEqual(data.query, { q: ["1", "2"], r: "" });
  assert.equal(data.headers["x-mine"], "yes");
  assert.equal(data.body, "hello");
});

test("an HTTP trigger gets a body that is no text as base64", async () => {
  await using app = await testApp(responder("/in"));
  const { json } = await app.ask("POST", "/in", {
    headers: { "content-type": "image/png" },
    body: Uint8Array.of(0, 255),
  });
  assert.equal(json.data.body_base64, "AP8=");
  assert.equal(json.data.body, undefined);
});

test("an HTTP trigger gets every byte of a body, whatever its charset says or breaks", async () => {
  await using app = await testApp(responder("/in"));
  for (const [type, bytes, member] of [
    ["text/plain", [0x68, 0xc3, 0xa9], "body"],
    ["text/plain; charset=UTF-8", [0xef, 0xbb, 0xbf, 0x68], "body"],
    ["application/x-thing; charset=utf8", [0x68], "body"],
    ["application/json", [0x7b], "body"],
    ["text/plain; charset=utf-8", [0x68, 0xe9], "body_base64"],
    ["text/plain; charset=iso-8859-1", [0x68, 0xe9], "body_base64"],
    ["text/plain; charset=utf-16le", [0x68, 0x00], "body_base64"],
    ["text/plain; charset=klingon", [0x68], "body_base64"],
    ["application/json; charset=utf-16", [0xff, 0xfe, 0x31, 0x00], "body_base64"],
    ["application/json", [0x22, 0xff, 0x22], "body_base64"],
  ] as const) {
    const body = Uint8Array.from(bytes);
    const { status, json } = await app.ask("POST", "/in", {
      headers: { "content-type": type },
      body,
    });
    assert.equal(status, 200, type);
    const given = member === "body" ? json.data.body : Buffer.from(json.data.body_base64, "base64");
    assert.deepEqual(Buffer.from(given), Buffer.from(body), type);
  }
});

test("an HTTP trigger without respond accepts with 202, and the function runs after", async () => {
  await using app = await testApp(
    probes({ name: "later", on: "{ http: { method: POST, path: /in } }" }),
  );
  const { status, json } = await app.ask("POST", "/in", { body: "x" });
  assert.equal(status, 202);
  assert.equal(json.status, "accepted");
  for (;;) {
    const { invocations } = (await app.ask("GET", "/invocations?function=later")).json;
    // Reads resolve without leaving the turn; the function needs one.
    await setImmediate();
    if (invocations.length === 0) continue;
    assert.equal(invocations[0].event_id, json.event_id);
    assert.equal(invocations[0].trigger, "http");
    break;
  }
});

test("a function that fails is a problem with its code, and without its words", async () => {
  await using app = await testApp(responder("/in", { FAIL_UNTIL: "9" }));
  const { status, headers, json } = await app.ask("POST", "/in");
  assert.equal(status, 502);
  assert.equal(json.code, "FUNCTION_FAILED");
  assert.doesNotMatch(json.detail, /on purpose/);
  assert.ok(json.detail.includes(headers.get("nexus-invocation-id")));
});

test("a function that does not end is 504 FUNCTION_TIMED_OUT, and the next call is answered", async () => {
  await using app = await testApp(responder("/in", { SPIN_MS: "60000" }, "timeout: 100ms"));
  const { status, json } = await app.ask("POST", "/in");
  assert.equal(`${status} ${json.code}`, "504 FUNCTION_TIMED_OUT");
  assert.equal((await app.ask("GET", "/livez")).status, 200);
});

test("an idempotency key answers the second time from the record of the first", async () => {
  await using app = await testApp(
    responder("/in", { OUTPUT: "Status: 201\nContent-Type: text/plain\n\nonce" }),
  );
  const headers = { "idempotency-key": "k1" };
  const first = await app.ask("POST", "/in", { headers });
  assert.equal(first.status, 201);
  for (;;) {
    const again = await app.ask("POST", "/in", { headers });
    await setImmediate();
    if (again.status === 202) continue; // the record is on its way to the disk
    assert.equal(again.status, 201);
    assert.equal(again.text, "once");
    assert.equal(
      again.headers.get("nexus-invocation-id"),
      first.headers.get("nexus-invocation-id"),
    );
    break;
  }
});

test("triggers follow what is deployed, and metrics name the route, never the path", async () => {
  await using app = await testApp(responder("/one/:id", { OUTPUT: "one" }));
  assert.equal((await app.ask("POST", "/one/secret-path")).text, "one");
  await app.deploy(responder("/two", { OUTPUT: "two" }));
  assert.equal((await app.ask("POST", "/one/secret-path")).status, 404);
  assert.equal((await app.ask("POST", "/two")).text, "two");
  const text = await app.deps.metrics.text();
  assert.match(text, /route="\/one\/:id"/);
  assert.doesNotMatch(text, /secret-path/);
});
