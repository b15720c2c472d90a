import type { FunctionVersion } from "../core/function.ts";
import { encodeRecording, hashesOf, type NotHermetic } from "../core/recording.ts";
import type { TraceContext } from "../core/trace.ts";
import type { Outcome } from "../runtime/runtime.ts";
import { redactedTape } from "./redacted-tape.ts";

/** What is kept beside a run's record, so that it can be run again. */
export function recordingOf(
  outcome: Outcome,
  { spanId, sampled }: TraceContext,
  version: FunctionVersion,
): Uint8Array {
  const tape = redactedTape(outcome.tape, version.redact ?? []);
  const found = reasons(outcome, version);
  return encodeRecording({
    notHermetic: tape === outcome.tape ? found : [...found, "redacted"],
    spanId,
    sampled,
    hashes: hashesOf(outcome),
    tape,
  });
}

function reasons(outcome: Outcome, { limits }: FunctionVersion): readonly NotHermetic[] {
  const { tapeWhole, byItself, starved, limits: reached } = outcome;
  if (tapeWhole && byItself && reached.length === 0) return NONE;
  const found: NotHermetic[] = [];
  if (!tapeWhole) found.push("tape_full");
  if (starved) found.push("memory");
  else if (!byItself) found.push("stopped");
  // A limit of our own is counted in calls, and reached at the same one again.
  if (reached.includes("stack") && limits.stackCalls === undefined) found.push("stack");
  return found;
}

const NONE: readonly NotHermetic[] = [];
