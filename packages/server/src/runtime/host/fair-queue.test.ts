import assert from "node:assert/strict";
import { test } from "node:test";
import { FairQueue } from "./fair-queue.ts";

const any = () => true;

test("take() goes round the keys, and keeps the order within one", () => {
  const queue = new FairQueue<string>();
  for (const item of ["a1", "a2", "a3", "b1", "c1", "c2"]) queue.push(item[0]!, item);
  const taken = Array.from({ length: 6 }, () => queue.take(any));
  assert.deepEqual(taken, ["a1", "b1", "c1", "a2", "c2", "a3"]);
  assert.equal(queue.take(any), undefined);
  assert.equal(queue.size, 0);
});

test("take() passes over keys whose next item may not go, without losing what waits there", () => {
  const queue = new FairQueue<string>();
  queue.push("a", "a1");
  queue.push("b", "b1");
  assert.equal(
    queue.take((item) => !item.startsWith("a")),
    "b1",
  );
  assert.equal(
    queue.take((item) => !item.startsWith("a")),
    undefined,
  );
  assert.equal(queue.take(any), "a1");
});

test("pushFront() and remove() put an item first and take one out", () => {
  const queue = new FairQueue<string>();
  queue.push("a", "a1");
  queue.push("a", "a2");
  queue.pushFront("a", "a0");
  assert.equal(queue.remove("a", "a1"), true);
  assert.equal(queue.remove("a", "a1"), false);
  assert.equal(queue.size, 2);
  assert.deepEqual([queue.take(any), queue.take(any)], ["a0", "a2"]);
});
