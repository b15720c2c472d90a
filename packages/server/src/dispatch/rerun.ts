import { NexusError } from "../core/errors.ts";
import { decodeRecording } from "../core/recording.ts";
import type { Against } from "../core/replay-job.ts";
import type { WhatIf } from "../core/what-if.ts";
import type { PlatformSettings } from "../core/settings.ts";
import type { Effects } from "../effects/effects.ts";
import type { ArchivedVersion, VersionArchive } from "../functions/functions.ts";
import type { EventLog } from "../log/log.ts";
import type { Outcome, Runtime } from "../runtime/runtime.ts";
import { Candidates } from "./candidates.ts";
import { findRecorded } from "./find-recorded.ts";
import { judged } from "./judged.ts";
import {
  compareWith,
  outcomeAgain,
  outcomeOn,
  type RecordedRun,
  type Rerun,
  RerunVersions,
  runAgain,
} from "./run-again.ts";
import { changedRun } from "./what-if.ts";

export interface RerunDeps {
  readonly log: EventLog;
  readonly versions: VersionArchive;
  readonly runtime: Runtime;
  readonly settings: () => PlatformSettings;
  readonly effects: Effects;
}

export interface RerunOptions {
  /** Absent: the version that it ran on. */
  readonly against?: Against | undefined;
  /** Absent: it is given what it was given. */
  readonly whatIf?: WhatIf | undefined;
}

interface CandidateOutcome {
  readonly version: string;
  readonly outcome: Outcome;
}

/** A recorded run on another version than its own. */
export interface CandidateRun {
  /** As the dispatcher would have judged it. */
  readonly outcome: Outcome;
  readonly compared: Rerun;
}

/** Runs recorded invocations again, with what they were given, and without a trace in the log. */
export class Reruns {
  readonly candidates: Candidates;
  readonly #deps: RerunDeps;
  readonly #loaded: RerunVersions;

  constructor(deps: RerunDeps) {
    this.#deps = deps;
    this.#loaded = new RerunVersions(deps.runtime);
    this.candidates = new Candidates(deps.versions);
  }

  /**
   * On its own version, or on `against`. INVOCATION_NOT_FOUND, RECORDING_NOT_FOUND, RECORDING_INVALID,
   * EVENT_NOT_FOUND, VERSION_NOT_FOUND, SHUTTING_DOWN, and what the log rejects with; with options also
   * CANDIDATE_INVALID, REQUEST_INVALID and EVENT_INVALID.
   */
  async rerun(id: string, { against, whatIf }: RerunOptions = {}): Promise<Rerun> {
    const run = await this.find(id);
    if (against !== undefined || whatIf !== undefined) {
      const on = await this.candidates.resolve(against ?? { version: run.recorded.version });
      const changed = whatIf === undefined ? run : changedRun(run, whatIf);
      const outcome = await this.#outcomeOn(changed, on);
      return this.#compare(run, outcome);
    }
    const version = await this.candidates.get(run.recorded.version);
    return runAgain(run, version, this.#runDeps);
  }

  /** Strictly as it was recorded, on its own version. VERSION_NOT_FOUND, SHUTTING_DOWN. */
  async again(run: RecordedRun): Promise<Outcome> {
    const version = await this.candidates.get(run.recorded.version);
    return outcomeAgain(run, version, this.#runDeps);
  }

  /** On another version; `signal` stops it. VERSION_NOT_FOUND, CANDIDATE_INVALID, SHUTTING_DOWN. */
  async on(run: RecordedRun, against: Against, signal?: AbortSignal): Promise<CandidateRun> {
    const done = await this.#outcomeOn(run, against, signal);
    return { outcome: done.outcome, compared: this.#compare(run, done) };
  }

  /** INVOCATION_NOT_FOUND, RECORDING_NOT_FOUND, RECORDING_INVALID, EVENT_NOT_FOUND. */
  async find(id: string): Promise<RecordedRun> {
    const { recorded, recording, event } = await findRecorded(this.#deps, id);
    return { recorded, recording: decodeRecording(recording), event };
  }

  /** CANDIDATE_INVALID: it cannot be run at all. */
  async load(candidate: ArchivedVersion): Promise<void> {
    try {
      await this.#loaded.load(candidate);
    } catch (error) {
      throw ofCandidate(error, candidate);
    }
  }

  async #outcomeOn(
    run: RecordedRun,
    against: Against,
    signal?: AbortSignal,
  ): Promise<CandidateOutcome> {
    const candidate = await this.candidates.of(against, run.recorded.version);
    await this.load(candidate);
    const outcome = await outcomeOn(run, candidate, { ...this.#runDeps, signal });
    return {
      version: candidate.version.version,
      outcome: judged(run, candidate.version, { outcome, limits: this.#emitLimits }),
    };
  }

  #compare(run: RecordedRun, { version, outcome }: CandidateOutcome): Rerun {
    const { status } = run.recorded;
    return compareWith(run, { version, outcome, status, asked: outcome.tape });
  }

  get #emitLimits() {
    const { log, settings } = this.#deps;
    return { chainDepth: settings().chainDepth, maxEventBytes: log.maxEventBytes };
  }

  get #runDeps() {
    const { runtime, effects } = this.#deps;
    return { versions: this.#loaded, runtime, effects };
  }
}

function ofCandidate(error: unknown, { version }: ArchivedVersion): unknown {
  if (!(error instanceof NexusError) || error.code !== "MODULE_INVALID") return error;
  const { message, details } = error;
  return new NexusError(
    "CANDIDATE_INVALID",
    `Cannot run candidate of "${version.name}": ${message}`,
    { cause: error, details },
  );
}
