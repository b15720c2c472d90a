import { type Change, inOrder } from "./changes.ts";
import { effectChanges } from "./effect-changes.ts";
import { generalise } from "./generalise.ts";
import { lineChanges } from "./line-changes.ts";
import { outputChanges } from "./output-changes.ts";
import type { RunFacts } from "./run-facts.ts";

/**
 * What became of a run. `diverged`: it asked the host for what the recording does not have, so that nobody
 * knows what it would have done; that goes before all others. `changed`: both succeeded or both failed.
 */
export const VERDICTS = ["newly_failing", "diverged", "changed", "newly_passing", "same"] as const;

export type Verdict = (typeof VERDICTS)[number];

export interface Comparison {
  readonly verdict: Verdict;
  /** The shape of the difference: sorted, each once. Empty with `same`, and only then. */
  readonly changes: readonly Change[];
  /** Whether there are more changes than are given. */
  readonly more: boolean;
}

/** More of them say less. */
export const MAX_CHANGES = 40;

/** Compares what two runs did; how long they took and how much memory is no part of it. */
export function compare(recorded: RunFacts, candidate: RunFacts): Comparison {
  const verdict = verdictOf(recorded, candidate);
  const all = inOrder(changesFor(verdict, recorded, candidate));
  const changes = all.slice(0, MAX_CHANGES);
  return {
    verdict: verdict === "changed" && all.length === 0 ? "same" : verdict,
    changes,
    more: all.length > changes.length,
  };
}

function verdictOf(recorded: RunFacts, candidate: RunFacts): Verdict {
  if (candidate.error?.code === "REPLAY_DIVERGED") return "diverged";
  const passed = recorded.status === "succeeded";
  const passes = candidate.status === "succeeded";
  if (passed === passes) return "changed";
  return passes ? "newly_passing" : "newly_failing";
}

// Of a run that broke off, what it wrote until then follows from where it broke off: the shape is how it
// ended, and the lines in which it said why.
function changesFor(verdict: Verdict, recorded: RunFacts, candidate: RunFacts): readonly Change[] {
  const ending = endingChanges(recorded, candidate);
  switch (verdict) {
    case "diverged":
      return ending.filter(({ aspect }) => aspect === "error");
    case "newly_failing":
      return [
        ...ending,
        ...logChanges(recorded, candidate).filter(({ change }) => change === "added"),
      ];
    case "newly_passing":
      return [
        ...ending,
        ...logChanges(recorded, candidate).filter(({ change }) => change === "removed"),
      ];
    case "changed":
    case "same":
      return [
        ...ending,
        ...outputChanges(recorded.output, candidate.output),
        ...truncation("output", recorded.outputTruncated, candidate.outputTruncated),
        ...logChanges(recorded, candidate),
        ...truncation("log", recorded.logsTruncated, candidate.logsTruncated),
        ...effectChanges(recorded.effects, candidate.effects),
      ];
  }
}

function endingChanges(recorded: RunFacts, candidate: RunFacts): readonly Change[] {
  const changes: Change[] = [];
  if (recorded.status !== candidate.status) {
    const what = `${recorded.status} → ${candidate.status}`;
    changes.push({ aspect: "status", change: "changed", what });
  }
  if (recorded.exitCode !== candidate.exitCode) {
    const what = `${recorded.exitCode ?? "none"} → ${candidate.exitCode ?? "none"}`;
    changes.push({ aspect: "exit_code", change: "changed", what });
  }
  const was = errorPattern(recorded);
  const is = errorPattern(candidate);
  if (was === is) return changes;
  if (was === undefined || is === undefined) {
    const change = was === undefined ? "added" : "removed";
    return [...changes, { aspect: "error", change, what: (was ?? is)! }];
  }
  return [...changes, { aspect: "error", change: "changed", what: `${was} → ${is}` }];
}

/** Numbers in a message (how long, how much, where in the module) are no difference: they change with every build. */
function errorPattern({ error }: RunFacts): string | undefined {
  return error === undefined ? undefined : `${error.code}: ${generalise(error.message)}`;
}

function logChanges(recorded: RunFacts, candidate: RunFacts): readonly Change[] {
  return lineChanges("log", recorded.logs.map(logLine), candidate.logs.map(logLine));
}

/** A line of a log as it is compared and shown: its level is part of it. */
export function logLine({ text, level }: RunFacts["logs"][number]): string {
  return level === undefined ? text : `${level} ${text}`;
}

function truncation(aspect: Change["aspect"], was: boolean, is: boolean): readonly Change[] {
  if (was === is) return [];
  return [{ aspect, change: is ? "added" : "removed", what: "cut at the limit" }];
}
