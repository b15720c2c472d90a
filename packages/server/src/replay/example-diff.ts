import { logLine } from "./compare.ts";
import { diffLines } from "./diff.ts";
import { readableLines, type ReadableLine } from "./readable.ts";
import type { Effect, RunFacts } from "./run-facts.ts";

export const DIFF_PARTS = ["outcome", "output", "logs", "effects"] as const;

export type DiffPart = (typeof DIFF_PARTS)[number];

/** What differs in one part of a run. The names are those of the HTTP API. */
export interface PartDiff {
  readonly part: DiffPart;
  /** diff.ts says what their first characters are. */
  readonly lines: readonly string[];
}

/**
 * How one run differs, part by part; those that do not differ are left out. Where it ended otherwise, what it
 * said in its log comes right after that. Bounded however long the runs' outputs are.
 */
export function exampleDiff(recorded: RunFacts, candidate: RunFacts): readonly PartDiff[] {
  const outcome = diffLines(outcomeLines(recorded), outcomeLines(candidate));
  const output: PartDiff = { part: "output", lines: outputDiff(recorded.output, candidate.output) };
  const logs: PartDiff = {
    part: "logs",
    lines: diffLines(logLines(recorded), logLines(candidate)),
  };
  const parts: PartDiff[] = [
    { part: "outcome", lines: outcome },
    ...(outcome.length === 0 ? [output, logs] : [logs, output]),
    { part: "effects", lines: effectsDiff(recorded.effects, candidate.effects) },
  ];
  return parts.filter(({ lines }) => lines.length > 0);
}

// Where indenting makes both the same, what differs is how they are written.
function outputDiff(recorded: Uint8Array, candidate: Uint8Array): readonly string[] {
  if (Buffer.compare(recorded, candidate) === 0) return [];
  const lines = diffLines(readableLines(recorded), readableLines(candidate));
  if (lines.length > 0) return lines;
  const written = diffLines(readableLines(recorded, true), readableLines(candidate, true));
  return written.length > 0 ? written : ["…line ends differ, and nothing else"];
}

function outcomeLines({ status, exitCode, error, ...run }: RunFacts): readonly ReadableLine[] {
  return plain([
    `status ${status}`,
    `exit code ${exitCode ?? "none"}`,
    ...(error === undefined ? [] : [`error ${error.code}: ${error.message}`]),
    ...(run.outputTruncated ? ["output cut at its limit"] : []),
    ...(run.logsTruncated ? ["logs cut at their limit"] : []),
  ]);
}

function logLines({ logs }: RunFacts): readonly ReadableLine[] {
  return plain(logs.map(logLine));
}

function plain(lines: readonly string[]): readonly ReadableLine[] {
  return lines.map((text) => ({ text, place: "" }));
}

function effectsDiff(recorded: readonly Effect[], candidate: readonly Effect[]): readonly string[] {
  const lines = diffLines(effectLines(recorded, false), effectLines(candidate, false));
  return lines.length > 0
    ? lines
    : diffLines(effectLines(recorded, true), effectLines(candidate, true));
}

function effectLines(effects: readonly Effect[], asWritten: boolean): readonly ReadableLine[] {
  return effects.flatMap(({ kind, summary, content }) => [
    { text: `${kind} ${summary}`, place: "" },
    ...readableLines(content, asWritten).map(({ text, place }) => ({
      text: `  ${text}`,
      place: `${kind} ${summary} ${place === "$" ? "" : place}`.trimEnd(),
    })),
  ]);
}
