import { NexusError, type ErrorCode } from "../../core/errors.ts";
import type { Against } from "../../core/replay-job.ts";
import { factsOfRecord } from "../../replay/facts-of-record.ts";
import type { ReplayedPair, RunFacts, SkippedRun, SkipReason } from "../../replay/run-facts.ts";
import { factsOf } from "../facts.ts";
import type { CandidateRun, Reruns } from "../rerun.ts";
import { compare, type RecordedRun } from "../run-again.ts";

/** What came of one run of the past. */
export type Replayed =
  | { readonly kind: "pair"; readonly pair: ReplayedPair }
  | { readonly kind: "skipped"; readonly run: SkippedRun };

export interface ReplayRunOptions {
  readonly against: Against;
  /** Ends it early, with an outcome that says nothing. */
  readonly signal: AbortSignal;
}

/**
 * Runs one recorded run on `against`. Rejects with CANDIDATE_INVALID, SHUTTING_DOWN and what the log rejects
 * with beside what makes a run one to be skipped.
 */
export async function replayRun(
  id: string,
  { against, signal }: ReplayRunOptions,
  reruns: Reruns,
): Promise<Replayed> {
  try {
    const run = await reruns.find(id);
    const because = run.recording.notHermetic;
    // What it was given behind the end of its tape nobody knows.
    if (because.includes("tape_full")) {
      return { kind: "skipped", run: { invocationId: id, reason: "not_hermetic", because } };
    }
    const candidate = await reruns.on(run, against, signal);
    return { kind: "pair", pair: await pairOf(run, candidate, reruns) };
  } catch (error) {
    const reason = error instanceof NexusError ? SKIPPED[error.code] : undefined;
    if (reason === undefined) throw error;
    return { kind: "skipped", run: { invocationId: id, reason } };
  }
}

const SKIPPED: Partial<Record<ErrorCode, SkipReason>> = {
  INVOCATION_NOT_FOUND: "no_recording",
  RECORDING_NOT_FOUND: "no_recording",
  RECORDING_INVALID: "recording_invalid",
  EVENT_NOT_FOUND: "event_gone",
  VERSION_NOT_FOUND: "version_gone",
  MODULE_INVALID: "version_gone",
};

async function pairOf(
  run: RecordedRun,
  { outcome, compared }: CandidateRun,
  reruns: Reruns,
): Promise<ReplayedPair> {
  const { recorded } = run;
  const candidate = factsOf(outcome, outcome.tape);
  const then = await (compared.identical ? candidate : recordedFacts(run, reruns));
  return {
    invocationId: recorded.id,
    eventId: recorded.event_id,
    eventType: recorded.event_type,
    function: recorded.function,
    position: recorded.position,
    recorded: {
      ...then,
      durationMs: recorded.duration_ms,
      memoryPeakBytes: recorded.memory_peak_bytes,
      cold: recorded.cold,
    },
    candidate,
  };
}

/**
 * What the run did then, whole: a record may have been cut, and does not have what was emitted, so the run is
 * made again. Where that does not go the same way again, what its record has of it.
 */
async function recordedFacts(run: RecordedRun, reruns: Reruns): Promise<RunFacts> {
  const { recorded, recording } = run;
  // A run that was stopped would go on until it is stopped again.
  if (recording.notHermetic.length > 0) return factsOfRecord(recorded, []);
  const outcome = await reruns.again(run);
  const { status, error } = recorded;
  const facts = factsOf({ ...outcome, status, error }, recording.tape);
  const { identical } = compare(run, recorded.version, outcome);
  return identical ? facts : factsOfRecord(recorded, facts.effects);
}
