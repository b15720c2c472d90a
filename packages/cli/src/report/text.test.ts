import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters, styleText } from "node:util";
import fc from "fast-check";
import { ReportBuilder } from "@nexus-functions/server/replay/report-builder";
import type { ReplayReport } from "@nexus-functions/server/replay/report";
import { anyPairs, effect, pair, run } from "@nexus-functions/server/replay/testing/pairs";
import type { Paint } from "../output.ts";
import { widthOf } from "../text.ts";
import { diffRows } from "./diff-lines.ts";
import { hostileReport } from "./testing/hostile.ts";
import { reportText } from "./text.ts";

const plain: Paint = (_, text) => text;
const colour: Paint = (style, text) => styleText(style, text, { validateStream: false });

function reportOf(pairs: Parameters<ReportBuilder["add"]>[0][]): ReplayReport {
  const builder = new ReportBuilder();
  for (const one of pairs) builder.add(one);
  return builder.report();
}

test("reportText() says first how many runs differ, then in which ways, with an example each", () => {
  const was = run({ output: { total: 5 }, effects: [effect("kv.set", "order:1", { total: 5 })] });
  const is = run({
    output: { total: 6 },
    logs: [{ text: "rounded 5.5", level: "warn" }],
    effects: [effect("kv.set", "order:1", { total: 6 })],
  });
  const report = reportOf([
    pair(1, was, was),
    pair(2, was, is),
    pair(3, was, is),
    pair(4, was, is),
  ]);
  const lines = reportText(report, { paint: plain, width: 60 });
  assert.deepEqual(lines.slice(0, 29), [
    "✗ 3 of 4 runs differ: 3 changed, 1 same",
    "",
    `● 3 runs changed price ${report.groups[0]!.id}`,
    "  output     ~ $.total",
    "  log        + warn rounded <n>",
    "  effect     ~ kv.set order:<n> $.total",
    "",
    "  order.created event-2, invocation run-000002",
    "    output",
    "        {",
    '      -   "total": 5',
    '      +   "total": 6',
    "        }",
    "    logs",
    "      + warn rounded 5.5",
    "    effects",
    "        kv.set order:1",
    "          {",
    '      -     "total": 5',
    '      +     "total": 6',
    "          }",
    "",
    "  2 more runs: run-000003 run-000004",
    "",
    "Duration  p50 1 ms → 1 ms  p95 1 ms → 1 ms  max 1 ms → 1 ms  none stands out",
    "  slowest now",
    "    INVOCATION  EVENT          RECORDED   NOW  CHANGE",
    "    run-000001  order.created      1 ms  1 ms    none",
    "    run-000002  order.created      1 ms  1 ms    none",
  ]);
});

test("reportText() says it in one line where all is the same, and where there was nothing", () => {
  const same = pair(1, run(), run());
  const first = (report: ReplayReport): string =>
    reportText(report, { paint: plain, width: 80 })[0]!;
  assert.equal(first(reportOf([same])), "✓ The run is the same");
  assert.equal(first(reportOf([same, same])), "✓ All 2 runs are the same");
  assert.equal(first(reportOf([])), "✗ No runs were compared");
});

test("reportText() lets nothing that a function wrote steer the terminal", () => {
  const text = reportText(hostileReport(), { paint: plain, width: 80, examples: 3 }).join("\n");
  assert.match(text, /\\u001b\[2J/);
  assert.doesNotMatch(text, /(?!\n)[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
});

test("reportText() in colour is the same text in colour", () => {
  fc.assert(
    fc.property(anyPairs, fc.integer({ min: 40, max: 160 }), (pairs, width) => {
      const report = reportOf([...pairs]);
      const options = { width, examples: 3 };
      const coloured = reportText(report, { ...options, paint: colour });
      const bare = reportText(report, { ...options, paint: plain });
      assert.equal(stripVTControlCharacters(coloured.join("\n")), bare.join("\n"));
      assert.deepEqual(coloured.map(widthOf), bare.map(widthOf));
    }),
  );
});

test("diffRows() tells in a line and its counterpart what differs, in whole words", () => {
  const rows = diffRows([
    " same",
    '-  "total": 93.07,',
    '+  "total": 93.08,',
    "+new",
    "…3 lines alike",
  ]);
  assert.deepEqual(
    rows.map(({ kind, sign, text }) => [kind, sign, ...text]),
    [
      ["context", " ", "same", "", ""],
      ["removed", "-", '  "total": ', "93.07", ","],
      ["added", "+", '  "total": ', "93.08", ","],
      ["added", "+", "new", "", ""],
      ["left-out", "", "… 3 lines alike", "", ""],
    ],
  );
});

test("diffRows() loses nothing of a line", () => {
  const line = fc
    .tuple(
      fc.constantFrom("-", "+", " "),
      fc.string({ unit: fc.constantFrom("a", "b", "1", "é", "😀", " ") }),
    )
    .map(([sign, text]) => sign + text);
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const rows = diffRows(lines);
      assert.deepEqual(
        rows.map(({ sign, text }) => sign + text.join("")),
        lines,
      );
    }),
  );
});
