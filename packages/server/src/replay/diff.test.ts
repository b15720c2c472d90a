import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DIFF_LIMITS, diffLines } from "./diff.ts";
import { exampleDiff } from "./example-diff.ts";
import { readableLines } from "./readable.ts";
import { anyRun, bytesOf, effect, run } from "./testing/pairs.ts";

const UNBOUNDED = {
  maxLines: Infinity,
  maxLinesOfOne: Infinity,
  maxRun: Infinity,
  maxLineLength: Infinity,
  maxLength: Infinity,
};

function jsonDiff(recorded: unknown, candidate: unknown): readonly string[] {
  return diffLines(readableLines(bytesOf(recorded)), readableLines(bytesOf(candidate)));
}

test("diffLines() shows what differs with the lines around it, where it lies, and how much is alike", () => {
  const order = (price: number): unknown => ({
    id: 1,
    items: [
      { name: "a", price: 1, tax: 2 },
      { name: "b", price, tax: 2 },
    ],
    note: "x",
    total: 3,
    zone: 4,
  });
  assert.deepEqual(jsonDiff(order(5), order(6)), [
    "…8 lines alike",
    "@$.items[1]",
    "     {",
    '       "name": "b",',
    '-      "price": 5,',
    '+      "price": 6,',
    '       "tax": 2',
    "     }",
    "…5 lines alike",
  ]);
});

test("diffLines() holds both sides: its lines with the signs taken off are what it was given", () => {
  const anyLines = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 5 });
  fc.assert(
    fc.property(anyLines, anyLines, (was, is) => {
      const readable = (lines: readonly string[]) => lines.map((text) => ({ text, place: "" }));
      const lines = diffLines(readable(was), readable(is), UNBOUNDED);
      assert.equal(lines.length === 0, was.join() === is.join());
      const alike = lines.some((line) => line.startsWith("…"));
      if (lines.length === 0 || alike) return;
      const side = (sign: string): readonly string[] =>
        lines.filter((line) => line[0] === sign || line[0] === " ").map((line) => line.slice(1));
      assert.deepEqual([side("-"), side("+")], [was, is]);
    }),
  );
});

test("diffLines() stays within its limits and says what it left out", () => {
  const many = Array.from({ length: 5000 }, (_, index) => index);
  const lines = jsonDiff(
    many,
    many.map((n) => -n - 1),
  );
  assert.ok(lines.length < DIFF_LIMITS.maxLines);
  assert.deepEqual(
    lines.filter((line) => line.startsWith("…")),
    [
      "…285 more lines are gone",
      "…285 more lines are new",
      "…4701 lines after these were not compared",
    ],
  );

  const every = jsonDiff(
    many,
    many.map((n) => (n % 6 === 0 ? -n - 1 : n)),
  );
  assert.deepEqual(every.slice(0, 5), [" [", "-  0,", "+  -1,", "   1,", "   2,"]);
  assert.match(every.at(-2)!, /^…\d\d more lines differ$/);
  assert.match(every.at(-1)!, /^…4\d\d\d lines after these were not compared$/);

  const before = "x".repeat(500);
  const [was, is] = diffLines(
    [{ text: `${before}1${before}`, place: "" }],
    [{ text: `${before}2${before}`, place: "" }],
  );
  assert.match(was!, /^-… \(460 characters\) x{40}1x{199} … \(301 more characters\)$/);
  assert.match(is!, /^\+… \(460 characters\) x{40}2x{199} … \(301 more characters\)$/);
});

test("exampleDiff() shows each part that differs, bytes as digits, and formatting as it was written", () => {
  const was = run({ output: '{"a":1,"b":2}', effects: [effect("emit", "a", { n: 1 })] });
  const is = run({ output: '{"b":2,"a":1}', logs: [{ text: "new", level: "warn" }] });
  assert.deepEqual(exampleDiff(was, is), [
    { part: "output", lines: ['-{"a":1,"b":2}', '+{"b":2,"a":1}'] },
    { part: "logs", lines: ["+warn new"] },
    { part: "effects", lines: ["-emit a", "-  {", '-    "n": 1', "-  }"] },
  ]);
  const bytes = (last: number): Uint8Array => new Uint8Array([0xff, 0, last]);
  assert.deepEqual(exampleDiff(run({ output: bytes(1) }), run({ output: bytes(2) })), [
    { part: "output", lines: ["@byte 0", "-ff 00 01", "+ff 00 02"] },
  ]);
});

test("exampleDiff() is empty for equal runs only, and bounded for any", () => {
  fc.assert(
    fc.property(anyRun, anyRun, (one, other) => {
      assert.deepEqual(exampleDiff(one, structuredClone(one)), []);
      for (const { lines } of exampleDiff(one, other)) {
        assert.ok(lines.length <= DIFF_LIMITS.maxLines + 2);
        assert.ok(lines.every((line) => /^[-+ @…]/.test(line)));
      }
    }),
  );
});
