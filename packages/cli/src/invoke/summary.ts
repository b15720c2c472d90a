import type { Outcome } from "@nexus-functions/server/runtime/runtime";
import type { Cli } from "../cli.ts";
import { counted, indent, visible } from "../text.ts";
import { hostCallLines, trapLines, withoutFrames } from "../trap.ts";
import { formatBytes, formatDuration } from "../units.ts";

/** What is checked after the run may say more than the run. */
export interface Verdict extends Pick<Outcome, "status" | "error"> {
  readonly emitted: readonly unknown[];
}

/** One line on how a run ended, and the reason where an exit code does not say it. */
export function summarise(
  { out }: Cli,
  outcome: Outcome,
  { status, error, emitted }: Verdict,
): void {
  const paint = out.notePaint;
  const mark = status === "succeeded" ? paint("green", "✓") : paint("red", "✗");
  const { exitCode, durationMs, memoryPeakBytes, output, outputBytes } = outcome;
  const facts = [
    exitCode === null || exitCode === 0 ? status : `${status} (exit code ${exitCode})`,
    formatDuration(durationMs),
    `${formatBytes(memoryPeakBytes)} memory`,
    ...(outputBytes > output.length
      ? [`output cut at ${formatBytes(output.length)} of ${formatBytes(outputBytes)}`]
      : []),
    ...(outcome.logsTruncated ? ["logs cut"] : []),
    ...(emitted.length === 0 ? [] : [`${counted(emitted.length, "event")} emitted`]),
  ];
  out.note(`${mark} ${facts.join(paint("dim", " · "))}`);
  // An exit code has been said; what else went wrong needs words.
  if (error !== null && exitCode === null) {
    out.note(`  ${indent(visible(withoutFrames(error), true), "  ").trimStart()}`);
    const { trap } = error;
    for (const line of trap === undefined ? [] : trapLines(trap, paint)) out.note(`    ${line}`);
    const calls = trap === undefined ? [] : hostCallLines(trap);
    if (calls.length > 0) out.note("  its last host calls:");
    for (const call of calls) out.note(`    ${call}`);
  }
}
