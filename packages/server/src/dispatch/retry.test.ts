import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { backoffMs, nextStep } from "./retry.ts";

const policy = { attempts: 3, backoffMs: 1000, maxBackoffMs: 10_000, jitter: false };
const failed = { code: "FUNCTION_FAILED", message: "Cannot …: exit code 3" } as const;
const half = () => 0.5;

test("nextStep() ends a delivery whose run succeeded", () => {
  const next = nextStep({ status: "succeeded", error: null, attempt: 1 }, policy, 0, half);
  assert.deepEqual(next, { state: "done" });
});

test("nextStep() retries until the attempts are used up, then keeps the last error", () => {
  const at = (attempt: number) =>
    nextStep({ status: "failed", error: failed, attempt }, policy, 5000, half);
  assert.deepEqual(at(1), { state: "retry", at: 6000 });
  assert.deepEqual(at(2), { state: "retry", at: 7000 });
  assert.deepEqual(at(3), { state: "dead", error: failed });
});

test("nextStep() does not retry what trying again cannot help", () => {
  const error = { code: "EVENT_LOOP", message: "Cannot emit …" } as const;
  const next = nextStep({ status: "failed", error, attempt: 1 }, policy, 0, half);
  assert.deepEqual(next, { state: "dead", error });
});

test("nextStep() gives a cancelled run another chance, even at its last attempt", () => {
  const error = { code: "FUNCTION_CANCELLED", message: "Cannot …" } as const;
  const next = nextStep({ status: "cancelled", error, attempt: 3 }, policy, 7, half);
  assert.deepEqual(next, { state: "retry", at: 7 });
});

test("backoffMs() doubles, is capped, and jitters between half of the wait and all of it", () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((attempt) => backoffMs(attempt, policy, half)),
    [1000, 2000, 4000, 8000, 10_000, 10_000],
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, random) => {
        const full = backoffMs(attempt, policy, () => random);
        const jittered = backoffMs(attempt, { ...policy, jitter: true }, () => random);
        assert.ok(jittered >= Math.floor(full / 2) && jittered <= full);
      },
    ),
  );
});
