import type { Scenario } from "./scenario.ts";
import type { StepFigures } from "./steps.ts";

/** What the functions of all nodes have come to since they started. */
export interface Runs {
  readonly accepted: number;
  readonly done: number;
}

export interface LoadReport {
  readonly accept: StepFigures;
  readonly answer: StepFigures;
  /** The same requests to a bare node:http on this machine, right before. */
  readonly bareAccept: StepFigures;
  /** Of the requests of both steps alone. */
  readonly runs: Runs;
}

export interface Verdict {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly holds: boolean;
}

/** Each threshold of the description, and whether it holds. */
export function verdicts({ thresholds }: Scenario, report: LoadReport): readonly Verdict[] {
  const { accept, answer, bareAccept, runs } = report;
  const values = {
    failedRequests: accept.failed + answer.failed,
    acceptedAndNotRun: runs.accepted - runs.done,
    acceptP99OfBare: accept.p99Ms / bareAccept.p99Ms,
    answerP99OfAccept: answer.p99Ms / accept.p99Ms,
  } satisfies Record<keyof typeof thresholds, number>;
  return Object.entries(values).map(([name, value]) => {
    const limit = thresholds[name as keyof typeof thresholds];
    return { name, value, limit, holds: value <= limit };
  });
}

export function reportText(report: LoadReport, all: readonly Verdict[]): string {
  const rows: readonly (readonly [string, StepFigures])[] = [
    ["accept", report.accept],
    ["  bare node:http", report.bareAccept],
    ["answer", report.answer],
  ];
  const figures = rows.map(
    ([name, { requests, perSecond, p50Ms, p99Ms, failed }]) =>
      `${name.padEnd(18)}${String(requests).padStart(7)} requests${perSecond.toFixed(0).padStart(8)}/s` +
      `   p50 ${p50Ms.toFixed(1)} ms   p99 ${p99Ms.toFixed(1)} ms   ${failed} failed`,
  );
  const judged = all.map(
    ({ name, value, limit, holds }) =>
      `${holds ? "✓" : "✗"} ${name.padEnd(18)} ${Number(value.toFixed(2))} (at most ${limit})`,
  );
  return `${[...figures, "", ...judged].join("\n")}\n`;
}
