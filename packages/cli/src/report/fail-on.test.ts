import assert from "node:assert/strict";
import { test } from "node:test";
import { ReportBuilder } from "@nexus-functions/server/replay/report-builder";
import type { ReplayReport } from "@nexus-functions/server/replay/report";
import type { RunFacts } from "@nexus-functions/server/replay/run-facts";
import { pair, run } from "@nexus-functions/server/replay/testing/pairs";
import { failOnExitCode } from "./fail-on.ts";

const good = run({ output: { n: 1 } });
const other = run({ output: { n: 2 } });
const failed = run({ status: "failed", exitCode: 1 });
const diverged = run({
  status: "failed",
  exitCode: null,
  error: { code: "REPLAY_DIVERGED", message: "diverged at host call #1" },
});

function reportOf(...runs: readonly (readonly [RunFacts, RunFacts])[]): ReplayReport {
  const builder = new ReportBuilder();
  for (const [index, [recorded, candidate]] of runs.entries())
    builder.add(pair(index + 1, recorded, candidate));
  return builder.report();
}

test("failOnExitCode() is 0 where all is the same, and 1 for what it was asked to find", () => {
  const cases: readonly (readonly [RunFacts, RunFacts, changed: number, failing: number])[] = [
    [good, good, 0, 0],
    [good, other, 1, 0],
    [failed, good, 1, 0],
    [good, failed, 1, 1],
    [good, diverged, 1, 1],
  ];
  for (const [recorded, candidate, changed, failing] of cases) {
    const report = reportOf([good, good], [recorded, candidate]);
    assert.equal(failOnExitCode(report, "changed"), changed);
    assert.equal(failOnExitCode(report, "failing"), failing);
  }
});

test("failOnExitCode() is 1 where nothing was compared", () => {
  assert.equal(failOnExitCode(reportOf(), "failing"), 1);
});
