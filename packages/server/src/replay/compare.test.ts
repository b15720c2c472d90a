import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compare, MAX_CHANGES } from "./compare.ts";
import type { RunFacts } from "./run-facts.ts";
import { anyRun, bytesOf, effect, run } from "./testing/pairs.ts";

function told(recorded: RunFacts, candidate: RunFacts): readonly string[] {
  const { verdict, changes } = compare(recorded, candidate);
  return [verdict, ...changes.map((one) => `${one.aspect} ${one.change} ${one.what}`)];
}

const failed = run({
  status: "failed",
  exitCode: 3,
  error: { code: "FUNCTION_FAILED", message: "Cannot run function: exit code 3" },
});

test("compare() says same of a run and itself, whatever it did, and of none that did something else", () => {
  fc.assert(
    fc.property(anyRun, anyRun, (one, other) => {
      if (one.error?.code !== "REPLAY_DIVERGED") {
        assert.deepEqual(compare(one, structuredClone(one)).verdict, "same");
      }
      const { verdict, changes } = compare(one, other);
      assert.equal(verdict === "same", changes.length === 0 && verdict !== "diverged");
      if (verdict !== "same") return;
      assert.deepEqual(bytesOf(one.output), bytesOf(other.output));
      assert.deepEqual(one.logs, other.logs);
      assert.deepEqual(one.effects, other.effects);
    }),
  );
});

test("compare() does not mind how long a run took, and how much memory", () => {
  assert.deepEqual(told(run({ durationMs: 1 }), run({ durationMs: 99, memoryPeakBytes: 1 })), [
    "same",
  ]);
});

test("compare() tells newly failing by how the run ended and by the lines it said then", () => {
  const logs = [{ text: "begun" }, { text: "no price for item 17", level: "error" as const }];
  assert.deepEqual(
    told(run({ output: { a: 1 }, logs: [{ text: "begun" }] }), { ...failed, logs }),
    [
      "newly_failing",
      "status changed succeeded → failed",
      "exit_code changed 0 → 3",
      "error added FUNCTION_FAILED: Cannot run function: exit code <n>",
      "log added error no price for item <n>",
    ],
  );
  assert.deepEqual(told({ ...failed, logs }, run({ logs: [{ text: "begun" }] })).slice(0, 2), [
    "newly_passing",
    "status changed failed → succeeded",
  ]);
});

test("compare() puts diverged before all else: nobody knows how it would have ended", () => {
  const error = {
    code: "REPLAY_DIVERGED",
    message: 'diverged at host call #3: kv.get("b")',
  } as const;
  const diverged = run({ status: "failed", exitCode: null, error });
  const expected = ['error added REPLAY_DIVERGED: diverged at host call #<n>: kv.get("b")'];
  assert.deepEqual(told(run({ output: { a: 1 } }), diverged), ["diverged", ...expected]);
  assert.equal(told(failed, diverged)[0], "diverged");
});

test("compare() tells changed output by JSON paths, and JSON written in another way as formatting", () => {
  assert.deepEqual(told(run({ output: { a: 1, b: [1] } }), run({ output: { a: 2, b: [1, 2] } })), [
    "changed",
    "output changed $.a",
    "output added $.b[*]",
  ]);
  const spaced = run({ output: '{ "b": 2, "a": 1.0 }' });
  assert.deepEqual(told(run({ output: '{"a":1,"b":2}' }), spaced), [
    "changed",
    "output formatting JSON",
  ]);
});

test("compare() tells whole numbers apart that JSON.parse takes for one", () => {
  const ids = ['{"id":12345678901234567890}', '{"id":12345678901234567891}'] as const;
  assert.deepEqual(told(run({ output: ids[0] }), run({ output: ids[1] })), [
    "changed",
    "output changed $.id",
  ]);
});

test("compare() tells JSON lines, text, bytes and nothing apart", () => {
  const lines = (n: number): RunFacts => run({ output: `{"type":"a"}\n{"type":"b","n":${n}}\n` });
  const text = run({ output: "total 12\nok\n" });
  const binary = run({ output: new Uint8Array([0xff, 0x00]) });
  assert.deepEqual(told(lines(1), lines(2)), ["changed", "output changed lines[*].n"]);
  assert.deepEqual(told(text, run({ output: "total 13\nok\n" })), [
    "changed",
    "output changed total <n>",
  ]);
  assert.deepEqual(told(text, run({ output: "ok\ntotal 12\n" })), [
    "changed",
    "output reordered lines",
  ]);
  assert.deepEqual(told(text, run({ output: "total 12\r\nok" })), [
    "changed",
    "output formatting text",
  ]);
  assert.deepEqual(told(text, binary), ["changed", "output changed text → bytes"]);
  assert.deepEqual(told(binary, run({ output: new Uint8Array([0xff]) })), [
    "changed",
    "output changed bytes",
  ]);
  assert.deepEqual(told(text, run()), ["changed", "output removed text"]);
  assert.deepEqual(told(run(), text), ["changed", "output added text"]);
});

test("compare() takes JSON that is nested too deep for text, and does not fall over it", () => {
  const deep = (middle: string): RunFacts =>
    run({ output: "[".repeat(100_000) + middle + "]".repeat(100_000) });
  assert.equal(told(deep("1"), deep("2"))[0], "changed");
});

test("compare() tells which effects appear, vanish, change, and go another way round", () => {
  const one = effect("emit", "order.created", { amount: 5 });
  const two = effect("kv.set", "order:17", { amount: 5 });
  const of = (...effects: RunFacts["effects"]): RunFacts => run({ effects });
  assert.deepEqual(told(of(one, two), of(two, one)), ["changed", "effect reordered effects"]);
  assert.deepEqual(told(of(one, two), of(one)), ["changed", "effect removed kv.set order:<n>"]);
  assert.deepEqual(told(of(one), of(one, one)), ["changed", "effect added emit order.created"]);
  assert.deepEqual(told(of(one), of(effect("emit", "order.created", { amount: 6 }))), [
    "changed",
    "effect changed emit order.created $.amount",
  ]);
  assert.deepEqual(told(of(two), of(effect("kv.set", "order:18", { amount: 5 }))), [
    "changed",
    "effect changed kv.set order:<n>",
  ]);
});

test("compare() gives no more changes than anyone reads, and says that there are more", () => {
  const logs = "abcdefghijklmnopqrstuvwxyz"
    .split("")
    .flatMap((a) => [{ text: `line ${a}` }, { text: `other ${a}` }]);
  const { changes, more } = compare(run(), run({ logs }));
  assert.equal(changes.length, MAX_CHANGES);
  assert.equal(more, true);
});
