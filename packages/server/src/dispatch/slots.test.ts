import assert from "node:assert/strict";
import { test } from "node:test";
import { Slots } from "./slots.ts";

test("Slots lets no more than its size in, and the others in the order they came", async () => {
  const slots = new Slots(2);
  assert.equal(slots.tryTake(), true);
  assert.equal(slots.tryTake(), true);
  assert.equal(slots.tryTake(), false);
  const order: number[] = [];
  const waits = [1, 2, 3].map((n) => slots.take().then(() => order.push(n)));
  assert.equal(slots.waiting, 3);
  for (const wait of waits) {
    slots.release();
    await wait;
  }
  assert.deepEqual(order, [1, 2, 3]);
  slots.release();
  slots.release();
  assert.equal(slots.tryTake(), true);
});
