import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isCurrent, ReportBuilder, type ReportState } from "./report-builder.ts";
import type { ReplayReport } from "./report.ts";
import type { ReplayedPair } from "./run-facts.ts";
import { anyPairs, effect, pair, run } from "./testing/pairs.ts";

function reportOf(pairs: readonly ReplayedPair[]): ReplayReport {
  const builder = new ReportBuilder();
  for (const one of pairs) builder.add(one);
  return builder.report();
}

test("report() counts every run once, and puts each that differs into one group", () => {
  fc.assert(
    fc.property(anyPairs, (pairs) => {
      const { compared, counts, groups } = reportOf(pairs);
      assert.equal(compared, pairs.length);
      for (const verdict of ["changed", "newly_failing", "newly_passing", "diverged"] as const) {
        const grouped = groups.filter((group) => group.verdict === verdict);
        assert.equal(
          grouped.reduce((sum, { count }) => sum + count, 0),
          counts[verdict],
        );
      }
      assert.deepEqual(
        groups.map(({ count }) => count),
        groups.map(({ count }) => count).sort((one, other) => other - one),
      );
    }),
  );
});

test("report() is the same whatever order the runs came in", () => {
  const shuffled = anyPairs.chain((pairs) =>
    fc.tuple(
      fc.constant(pairs),
      fc.shuffledSubarray([...pairs], { minLength: pairs.length, maxLength: pairs.length }),
    ),
  );
  fc.assert(
    fc.property(shuffled, ([pairs, others]) => {
      assert.deepEqual(reportOf(others), reportOf(pairs));
    }),
  );
});

test("state() goes through JSON: who goes on from it, or takes it in, gives the report of all", () => {
  fc.assert(
    fc.property(anyPairs, fc.nat({ max: 30 }), (pairs, cut) => {
      const whole = reportOf(pairs);
      const first = new ReportBuilder();
      for (const one of pairs.slice(0, cut)) first.add(one);
      const state = JSON.parse(JSON.stringify(first.state())) as ReportState;

      assert.ok(isCurrent(state));
      const resumed = new ReportBuilder(state);
      const apart = new ReportBuilder();
      for (const one of pairs.slice(cut)) {
        resumed.add(one);
        apart.add(one);
      }
      assert.deepEqual(resumed.report(), whole);
      apart.merge(state);
      assert.deepEqual(apart.report(), whole);
    }),
  );
});

test("isCurrent() tells a state that another release wrote", () => {
  assert.ok(!isCurrent({ ...new ReportBuilder().state(), format: 2 }));
  assert.ok(!isCurrent({}));
});

test("report() keeps the first three examples of a group, with their difference", () => {
  const pairs = [5, 3, 9, 1, 7].map((position) =>
    pair(position, run({ output: { n: position } }), run({ output: { n: -1 } })),
  );
  const { groups } = reportOf(pairs);
  assert.equal(groups.length, 1);
  assert.equal(groups[0]!.count, 5);
  assert.deepEqual(
    groups[0]!.examples.map(({ position }) => position),
    [1, 3, 5],
  );
  assert.deepEqual(groups[0]!.examples[0]!.diff, [
    { part: "output", lines: [" {", '-  "n": 1', '+  "n": -1', " }"] },
  ]);
});

test("report() stays small however many ways there are to differ, and still counts all", () => {
  const name = (index: number): string =>
    String(index).replaceAll(/\d/g, (digit) => "abcdefghij"[Number(digit)]!);
  const builder = new ReportBuilder();
  for (let index = 1; index <= 2000; index += 1) {
    const output = (value: number): unknown => ({
      [name(value === 0 ? index + 2000 : index)]: "x".repeat(10_000),
      list: Array(500).fill(value),
      ["long key ".repeat(1000)]: { value },
    });
    const effects = [effect("kv.set", "long ".repeat(1000), { ["k".repeat(5000)]: index })];
    builder.add(pair(index, run({ output: output(0) }), run({ output: output(index), effects })));
  }
  const { groups, counts } = builder.report();
  assert.equal(counts.changed, 2000);
  assert.equal(groups.length, 101);
  assert.equal(groups[0]!.mixed, true);
  assert.equal(groups[0]!.count, 1900);
  assert.deepEqual(groups[0]!.changes, [
    { aspect: "output", change: "changed", what: "in various ways" },
    { aspect: "effect", change: "changed", what: "in various ways" },
  ]);
  assert.ok(JSON.stringify(builder.state()).length < 2_000_000);
});

test("report() takes noise for noise, and says which runs stand out and which it does not compare", () => {
  const took = (position: number, was: number, is: number, cold = false): ReplayedPair =>
    pair(position, run({ durationMs: was, cold }), run({ durationMs: is }));
  const { duration } = reportOf([
    took(1, 0.1, 0.9),
    took(2, 100, 120),
    took(3, 10, 40),
    took(4, 50, 5),
    took(5, 10, 900, true),
    pair(6, run({ durationMs: 90 }), run({ durationMs: 2, status: "failed", exitCode: 1 })),
  ]);
  assert.deepEqual(
    duration.highest.map(({ position }) => position),
    [5, 2, 3, 4, 6],
  );
  assert.deepEqual(
    duration.largest_changes.map(({ difference, ratio }) => [difference, ratio]),
    [
      [-45, 0.1],
      [30, 4],
    ],
  );
  assert.deepEqual([duration.more, duration.less], [1, 1]);
  assert.deepEqual(duration.left_out, { cold: 1, ended_otherwise: 1 });
  assert.equal(duration.recorded.max, 100);
  assert.equal(duration.recorded.p50, 10);
});

test("report() tells why runs were skipped, the most frequent reason first", () => {
  const builder = new ReportBuilder();
  for (const invocationId of ["d", "c", "b", "a"])
    builder.skip({ invocationId, reason: "not_hermetic", because: ["stack", "stopped"] });
  builder.skip({ invocationId: "e", reason: "no_recording" });
  assert.deepEqual(builder.report().skipped, [
    {
      reason: "not_hermetic",
      because: ["stopped", "stack"],
      count: 4,
      invocation_ids: ["a", "b", "c"],
    },
    { reason: "no_recording", because: [], count: 1, invocation_ids: ["e"] },
  ]);
});
