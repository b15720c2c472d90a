import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Deque } from "./deque.ts";

test("Deque does what an array does with push and shift", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat()), { maxLength: 200 }), (steps) => {
      const deque = new Deque<number>();
      const array: number[] = [];
      for (const step of steps) {
        if (step === null) assert.equal(deque.shift(), array.shift());
        else {
          deque.push(step);
          array.push(step);
        }
        assert.equal(deque.length, array.length);
        assert.equal(deque.peek(), array[0]);
        assert.deepEqual([...deque], array);
      }
    }),
  );
});

test("Deque stays in order over many thousands", () => {
  const deque = new Deque<number>();
  let next = 0;
  for (let i = 0; i < 30_000; i += 1) {
    deque.push(i);
    if (i % 3 !== 0) assert.equal(deque.shift(), next++);
  }
  assert.equal(deque.length, 30_000 - next);
});
