import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { generalise, isVariable } from "./generalise.ts";

test("generalise() gives lines that differ in numbers, ids and times only one pattern", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["took 12.5 ms", "took <n> ms"],
    ["order-17 of -3", "order-<n> of <n>"],
    ["at 2026-11-25T13:35:42.123Z", "at <time>"],
    ["2026-11-25 is a day", "<time> is a day"],
    ["13:35:42 up", "<time> up"],
    ["user 0198a2b4-7c1d-7e2f-8a3b-4c5d6e7f8a9b gone", "user <id> gone"],
    ["emitted 0198a2b4-7c1d-7e2f-8a3b-4c5d6e7f8a9b-1", "emitted <id>"],
    ["sha deadbeef01 here", "sha <id> here"],
    ["key 01JD8Z3K9QXYZ4T5V6W7A8B9C0", "key <id>"],
    ["defaced facade", "defaced facade"],
    ["a-rather-long-name-without-digits", "a-rather-long-name-without-digits"],
  ];
  for (const [text, pattern] of cases) assert.equal(generalise(text), pattern);
});

test("generalise() never gives more than it was asked for, and is quick on hostile lines", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 500 }), (text) => {
      assert.ok(generalise(text, 50).length <= 50);
    }),
  );
  for (const piece of ["a1-", "0", "f", "-", "a_", "1-1-", "00:", "1e"]) {
    assert.ok(generalise(piece.repeat(1_000_000)).length <= 160);
  }
});

test("isVariable() takes keys that are ids for what they are, and leaves names", () => {
  for (const key of ["42", "2026-11-25", "0198a2b4-7c1d-7e2f-8a3b-4c5d6e7f8a9b", "12-34"])
    assert.ok(isVariable(key), key);
  for (const key of ["total", "line1", "", "a.b"]) assert.ok(!isVariable(key), key);
});
