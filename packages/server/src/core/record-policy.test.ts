import assert from "node:assert/strict";
import { test } from "node:test";
import { isKept, isRecorded, parseRecordPolicy, recordPolicyText } from "./record-policy.ts";

test("parseRecordPolicy() takes the four words and nothing else", () => {
  for (const text of ["full", "failures", "off", "sample(10%)", "sample(0.5%)", "sample(100%)"]) {
    assert.equal(recordPolicyText(parseRecordPolicy(text)!), text);
  }
  for (const text of [
    "",
    "Full",
    "sample",
    "sample(0%)",
    "sample(101%)",
    "sample(10)",
    "sample(-1%)",
    "on",
  ]) {
    assert.equal(parseRecordPolicy(text), undefined, text);
  }
});

test("isRecorded() takes the share of events that the sample says, and of one event always the same", () => {
  const events = Array.from({ length: 20_000 }, (_, at) => ({
    id: `order-${at}`,
    source: "/shop",
  }));
  const policy = parseRecordPolicy("sample(10%)");
  const taken = events.filter((event) => isRecorded(policy, event));
  assert.ok(taken.length > 1_800 && taken.length < 2_200, `${taken.length} of 20,000`);
  assert.deepEqual(
    events.filter((event) => isRecorded(policy, { ...event })),
    taken,
  );
  const more = new Set(
    events.filter((event) => isRecorded(parseRecordPolicy("sample(20%)"), event)),
  );
  assert.ok(
    taken.every((event) => more.has(event)),
    "a larger sample has all of a smaller one",
  );
  assert.ok(events.every((event) => isRecorded(parseRecordPolicy("sample(100%)"), event)));
});

test("isKept() keeps of failures what did not succeed", () => {
  const policy = parseRecordPolicy("failures");
  assert.equal(isKept(policy, "succeeded"), false);
  for (const status of ["failed", "trapped", "timed_out"] as const)
    assert.ok(isKept(policy, status));
  assert.ok(isKept(undefined, "succeeded"));
});
