import assert from "node:assert/strict";
import { test } from "node:test";
import { subjectsOverlap } from "./subjects.ts";

const CASES: readonly (readonly [one: string, other: string, overlap: boolean])[] = [
  ["a.b", "a.b", true],
  ["a.b", "a.c", false],
  ["a", "a.b", false],
  ["a.*", "a.b", true],
  ["a.*", "*.b", true],
  ["a.*.c", "a.b", false],
  ["a.>", "a.b.c", true],
  ["a.>", "a", false],
  ["a.>", "*.b", true],
  ["a.>", "b.>", false],
  [">", "a", true],
  ["a.b.>", "a.>", true],
];

for (const [one, other, overlap] of CASES) {
  test(`subjectsOverlap() says ${overlap} of "${one}" and "${other}"`, () => {
    assert.equal(subjectsOverlap(one, other), overlap);
    assert.equal(subjectsOverlap(other, one), overlap);
  });
}
