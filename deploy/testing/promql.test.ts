import assert from "node:assert/strict";
import { test } from "node:test";
import { selectors } from "./promql.ts";

function texts(query: string): string[] {
  return selectors(query).map(({ text }) => text);
}

test("selectors() finds each metric with its labels, and neither functions nor labels nor durations", () => {
  const found = texts(
    `histogram_quantile(0.99, sum by (le, function) (rate(a_bucket{x="1", y=~"b|c{d}"}[5m] offset 1h))) > 1e3`,
  );
  assert.deepEqual(found, ['a_bucket{x="1",y=~"b|c{d}"}']);
  assert.deepEqual(texts("sum(a) without (b) / on (c) group_left (d) e:f unless ignoring (g) h"), [
    "a",
    "e:f",
    "h",
  ]);
  assert.deepEqual(texts("topk(10, max by (b) (a)) or vector(0) and time() - c < Inf"), ["a", "c"]);
  assert.deepEqual(texts(`count(A{b="by (c) \\"d"}) or e == bool 1`), ['A{b="by (c) \\"d"}', "e"]);
});

test("selectors() refuses a query that is not closed", () => {
  assert.throws(() => selectors('a{b="c"'), /never closed/);
});
