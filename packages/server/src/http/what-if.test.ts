import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { testApp, type Answer, type TestApp } from "../testing/http-app.ts";

const FIXTURES = `${import.meta.dirname}/../../fixtures`;
const PRICE = `version: v1
functions:
  - name: price
    on: { event: order.* }
    code: ${FIXTURES}/price-v1.wasm
    retry: { attempts: 1 }
`;

async function ran(app: TestApp, data: unknown): Promise<string> {
  const { json } = await app.ask("POST", "/events/order.placed?wait=20s", {
    headers: { "content-type": "application/json" },
    body: JSON.stringify(data),
  });
  return json.invocations[0].id;
}

const whatIf = (app: TestApp, id: string, changes: unknown): Promise<Answer> =>
  app.ask("POST", `/invocations/${id}/replay`, { body: JSON.stringify(changes) });

test("POST /invocations/{id}/replay with other data says what the run would have done", async () => {
  await using app = await testApp(PRICE);
  const id = await ran(app, { amount: 100, items: [{ sku: "a" }] });
  const { json } = await whatIf(app, id, {
    set_data: { "data.amount": 50, "data.items.0.sku": 1 },
  });
  assert.deepEqual(json.differs, ["output"]);
  const [was, is] = [JSON.parse(json.recorded.output), JSON.parse(json.replayed.output)];
  assert.deepEqual(is, { ...was, total: 60 });
  const failing = await whatIf(app, id, { set_data: { "data.amount": -1 } });
  assert.equal(failing.json.replayed.exit_code, 3);
  assert.equal((await whatIf(app, id, {})).json.identical, true);
});

test("POST /invocations/{id}/replay with another clock gives the run that time", async () => {
  await using app = await testApp(PRICE);
  const id = await ran(app, { amount: 100 });
  const { json } = await whatIf(app, id, { set_clock: "2026-01-01T00:00:00Z" });
  assert.deepEqual(json.differs, ["output", "logs"]);
  const was = JSON.parse(json.recorded.output);
  const at = Date.parse("2026-01-01T00:00:00Z") / 1000;
  assert.deepEqual(JSON.parse(json.replayed.output), { ...was, at });
});

test("POST /invocations/{id}/replay with another answer of a host call gives the run that", async () => {
  const far = createServer((_, answer) => answer.end("fine")).listen(0, "127.0.0.1");
  await once(far, "listening");
  try {
    const { port } = far.address() as AddressInfo;
    await using app = await testApp(`version: v1
functions:
  - name: notes
    on: { event: order.* }
    code: ${FIXTURES}/effects.wasm
    kv: true
    secrets: [TOKEN]
    fetch: { allow: ["127.0.0.1:${port}"], allow_private: true }
`);
    const id = await ran(app, `!get a;fetch GET http://127.0.0.1:${port}/;get a`);
    const { json } = await whatIf(app, id, {
      set_calls: { 1: { value: "one" }, 2: { status: 500, body: "no" }, 3: { errno: "io" } },
    });
    assert.equal(
      json.replayed.output,
      "get: one\nfetch: 500\n\nno\nget: error 29 (set for this replay)\n",
    );
    assert.match(json.recorded.output, /^get: error 44.*\nfetch: 200\n/);
    const refused = async (changes: unknown) => (await whatIf(app, id, changes)).json;
    const none = await refused({ set_calls: { 4: { errno: "io" } } });
    assert.match(none.detail, /call 4: the host answered 3 in the recorded run$/);
    assert.equal((await refused({ set_calls: { 1: { status: 500 } } })).code, "REQUEST_INVALID");
    assert.equal((await refused({ set_calls: { 1: { errno: "x" } } })).code, "REQUEST_INVALID");
  } finally {
    far.close();
  }
});

test("POST /invocations/{id}/replay refuses changes that cannot be made", async () => {
  await using app = await testApp(PRICE);
  const id = await ran(app, { amount: 100 });
  const refused = async (changes: unknown) => (await whatIf(app, id, changes)).json.code;
  assert.equal(await refused({ set_data: { "data.amount.x": 1 } }), "REQUEST_INVALID");
  assert.equal(await refused({ set_data: { id: "" } }), "EVENT_INVALID");
  assert.equal(await refused({ set_clock: "noon" }), "REQUEST_INVALID");
  assert.equal(await refused({ set_everything: 1 }), "REQUEST_INVALID");
  assert.equal(await refused([]), "REQUEST_INVALID");
});
