import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredEvent } from "../core/event.ts";
import { orderKeyAt } from "./order.ts";

function stored(value: object): StoredEvent {
  const json = new TextEncoder().encode(JSON.stringify(value));
  const event = {
    id: "1",
    source: "/s",
    type: "t",
    time: "2026-01-01T00:00:00Z",
    extensions: {},
    json,
  };
  return { event, position: 1, acceptedAt: 0, meta: { traceparent: "", depth: 0 } };
}

test("orderKeyAt() follows attributes, members of data and array places", () => {
  const event = stored({ subject: "s1", data: { user: { id: 7 }, items: [{ sku: "a" }] } });
  assert.equal(orderKeyAt("subject")(event), '"s1"');
  assert.equal(orderKeyAt("data.user.id")(event), "7");
  assert.equal(orderKeyAt("data.items.0.sku")(event), '"a"');
});

test("orderKeyAt() keeps the number 7 and the text 7 apart", () => {
  const key = orderKeyAt("data.id");
  assert.notEqual(key(stored({ data: { id: 7 } })), key(stored({ data: { id: "7" } })));
});

test("orderKeyAt() gives no key where the path leads nowhere, to null, or up the prototype chain", () => {
  const event = stored({ data: { a: null, b: 1 } });
  for (const path of [
    "data.a",
    "data.x.y",
    "data.b.c",
    "data.constructor.name",
    "data.__proto__",
  ]) {
    assert.equal(orderKeyAt(path)(event), undefined, path);
  }
});
