import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Buckets } from "./buckets.ts";

interface Step {
  readonly key: number;
  /** Since the step before. */
  readonly gapMs: number;
}

// Whole milliseconds a token, so that the model and the buckets may be compared to the last bit.
const exactRate = fc.record({
  perSecond: fc.constantFrom(1, 2, 4, 5, 8, 10, 20, 25, 40, 50, 100, 125, 200, 250, 500, 1000),
  burst: fc.integer({ min: 1, max: 40 }),
});
const anyRate = fc.record({
  perSecond: fc.double({ min: 0.01, max: 100_000, noNaN: true }),
  burst: fc.integer({ min: 1, max: 1000 }),
});
const gap = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 20 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 2000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 100_000 }) },
);
const start = fc.integer({ min: 0, max: 10_000_000 });

function steps(keys: number): fc.Arbitrary<readonly Step[]> {
  return fc.array(fc.record({ key: fc.integer({ min: 0, max: keys - 1 }), gapMs: gap }), {
    minLength: 1,
    maxLength: 200,
  });
}

test("take() is what a bucket filled drop by drop is, key by key, while the keys fit", () => {
  const KEYS = 8;
  fc.assert(
    fc.property(exactRate, start, steps(KEYS), (rate, startMs, all) => {
      const buckets = new Buckets<number>(KEYS);
      const model = new Map<number, { level: number; atMs: number }>();
      let nowMs = startMs;
      for (const { key, gapMs } of all) {
        nowMs += gapMs;
        const { level, atMs } = model.get(key) ?? { level: rate.burst, atMs: nowMs };
        const filled = Math.min(rate.burst, level + ((nowMs - atMs) * rate.perSecond) / 1000);
        const expected = filled >= 1 - 1e-9;
        const after = expected ? filled - 1 : filled;
        model.set(key, { level: after, atMs: nowMs });
        const { taken, left, waitMs, fullMs } = buckets.take(key, nowMs, rate);
        assert.equal(taken, expected);
        assert.equal(left, Math.floor(after + 1e-9));
        assert.ok(Math.abs(fullMs - ((rate.burst - after) * 1000) / rate.perSecond) < 1e-3);
        assert.ok(Math.abs(waitMs - (Math.max(0, 1 - after) * 1000) / rate.perSecond) < 1e-3);
      }
    }),
    { numRuns: 300 },
  );
});

test("take() gives no more than burst and rate allow, in any stretch of time, at any rate", () => {
  fc.assert(
    fc.property(anyRate, start, steps(1), (rate, startMs, all) => {
      const buckets = new Buckets<number>(1);
      const takenAt: number[] = [];
      let nowMs = startMs;
      for (const { gapMs } of all) {
        nowMs += gapMs / 10;
        const waitMs = buckets.waitMs(0, nowMs, rate);
        const { taken } = buckets.take(0, nowMs, rate);
        assert.equal(taken, waitMs === 0, "waitMs() tells what take() does");
        if (taken) takenAt.push(nowMs);
      }
      for (const [from, fromMs] of takenAt.entries()) {
        for (const [more, toMs] of takenAt.slice(from).entries()) {
          const most = rate.burst + ((toMs - fromMs) * rate.perSecond) / 1000;
          assert.ok(more + 1 <= most + 1e-3, `${more + 1} in ${toMs - fromMs} ms`);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("take() gives again after the time it names, and not before; left is what it still gives", () => {
  fc.assert(
    fc.property(anyRate, start, (rate, startMs) => {
      const buckets = new Buckets<string>(1);
      for (let left = rate.burst - 1; left >= 0; left -= 1) {
        assert.equal(buckets.take("a", startMs, rate).left, left);
      }
      const { taken, waitMs } = buckets.take("a", startMs, rate);
      assert.equal(taken, false);
      assert.equal(buckets.take("a", startMs + waitMs * 0.9, rate).taken, false);
      assert.equal(buckets.take("a", startMs + waitMs * 1.1, rate).taken, true);
    }),
    { numRuns: 100 },
  );
});

test("Buckets keeps a bounded number of keys, and those in use", () => {
  const rate = { perSecond: 1, burst: 2 };
  const buckets = new Buckets<string>(100);
  assert.equal(buckets.take("ours", 0, rate).left, 1);
  assert.equal(buckets.take("ours", 0, rate).left, 0);
  for (let stranger = 0; stranger < 100_000; stranger += 1) {
    buckets.take(`stranger ${stranger}`, 0, rate);
    assert.ok(buckets.size <= 200);
    if (stranger % 50 === 0) assert.equal(buckets.take("ours", 0, rate).taken, false);
  }
});

test("Buckets forgets a key that has been out of use until its bucket was full", () => {
  const rate = { perSecond: 10, burst: 10 };
  const buckets = new Buckets<string>(1000);
  for (let key = 0; key < 500; key += 1) buckets.take(`${key}`, 0, rate);
  assert.equal(buckets.size, 500);
  buckets.take("later", 1001, rate);
  buckets.take("later still", 2002, rate);
  assert.equal(buckets.size, 2);
});

test("a bucket goes on with what is left in it where the rate changes", () => {
  const buckets = new Buckets<string>(10);
  const slow = { perSecond: 0.001, burst: 2 };
  buckets.take("a", 0, slow);
  buckets.take("a", 0, slow);
  const fast = { perSecond: 100, burst: 10 };
  const { taken, waitMs } = buckets.take("a", 0, fast);
  assert.deepEqual([taken, waitMs], [false, 10]);
  assert.equal(buckets.take("a", 10, fast).taken, true);
});
