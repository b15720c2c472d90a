import assert from "node:assert/strict";
import { test } from "node:test";
import { childTrace, formatTraceparent, parseTraceparent, traceIdOf } from "./trace.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN_ID = "00f067aa0ba902b7";

test("parseTraceparent() reads version 00, and what it knows of a later one", () => {
  const expected = { traceId: TRACE_ID, spanId: SPAN_ID, sampled: true };
  assert.deepEqual(parseTraceparent(`00-${TRACE_ID}-${SPAN_ID}-01`), expected);
  assert.deepEqual(parseTraceparent(`cc-${TRACE_ID}-${SPAN_ID}-03-what-else`), expected);
  assert.equal(parseTraceparent(`00-${TRACE_ID}-${SPAN_ID}-02`)?.sampled, false);
});

test("parseTraceparent() ignores what breaks a rule", () => {
  for (const value of [
    undefined,
    "",
    `00-${TRACE_ID}-${SPAN_ID}`,
    `00-${TRACE_ID}-${SPAN_ID}-01-more`,
    `ff-${TRACE_ID}-${SPAN_ID}-01`,
    `cc-${TRACE_ID}-${SPAN_ID}-01more`,
    `00-${"0".repeat(32)}-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${"0".repeat(16)}-01`,
    `00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01`,
    ` 00-${TRACE_ID}-${SPAN_ID}-01`,
  ]) {
    assert.equal(parseTraceparent(value), undefined, String(value));
  }
});

test("childTrace() continues its parent's trace, or begins one of its own", () => {
  const parent = { traceId: TRACE_ID, spanId: SPAN_ID, sampled: false };
  const child = childTrace(parent);
  assert.equal(child.traceId, TRACE_ID);
  assert.equal(child.sampled, false);
  assert.notEqual(child.spanId, SPAN_ID);
  const roots = Array.from({ length: 1000 }, () => childTrace());
  assert.equal(new Set(roots.flatMap(({ traceId, spanId }) => [traceId, spanId])).size, 2000);
  for (const root of roots) {
    assert.deepEqual(parseTraceparent(formatTraceparent(root)), root);
    assert.equal(traceIdOf(formatTraceparent(root)), root.traceId);
  }
});
