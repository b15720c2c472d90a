import { NexusError } from "../core/errors.ts";
import { decodeRecording } from "../core/recording.ts";
import type { Effects } from "../effects/effects.ts";
import type { ArchivedVersion, VersionArchive } from "../functions/functions.ts";
import type { EventLog } from "../log/log.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type RecordedRun, type Rerun, RerunVersions, runAgain } from "./run-again.ts";

export interface RerunDeps {
  readonly log: EventLog;
  readonly versions: VersionArchive;
  readonly runtime: Runtime;
  readonly effects: Effects;
}

/** Runs recorded invocations again: on their own version, with what they were given, and without a trace in the log. */
export class Reruns {
  readonly #deps: RerunDeps;
  readonly #loaded: RerunVersions;

  constructor(deps: RerunDeps) {
    this.#deps = deps;
    this.#loaded = new RerunVersions(deps.runtime);
  }

  /**
   * INVOCATION_NOT_FOUND, RECORDING_NOT_FOUND, RECORDING_INVALID, EVENT_NOT_FOUND, VERSION_NOT_FOUND,
   * SHUTTING_DOWN, and what the log rejects with.
   */
  async rerun(id: string): Promise<Rerun> {
    const run = await this.#find(id);
    const version = await this.#version(run.recorded.version);
    const { runtime, effects } = this.#deps;
    return runAgain(run, version, { versions: this.#loaded, runtime, effects });
  }

  async #find(id: string): Promise<RecordedRun> {
    const { log } = this.#deps;
    const short = JSON.stringify(id.slice(0, 200));
    const recorded = await log.invocations.get(id);
    if (recorded === undefined) {
      throw new NexusError(
        "INVOCATION_NOT_FOUND",
        `Cannot find invocation ${short}: there is none`,
      );
    }
    const bytes = await log.invocations.recording(id);
    if (bytes === undefined) {
      throw new NexusError(
        "RECORDING_NOT_FOUND",
        `Cannot replay invocation ${short}: no recording of it was kept`,
      );
    }
    const event = await log.find(recorded.event_id, recorded.event_source);
    if (event === undefined) {
      throw new NexusError(
        "EVENT_NOT_FOUND",
        `Cannot replay invocation ${short}: its event "${recorded.event_id}" is no longer kept`,
      );
    }
    return { recorded, recording: decodeRecording(bytes), event };
  }

  async #version(version: string): Promise<ArchivedVersion> {
    const archived = await this.#deps.versions.get(version);
    if (archived === undefined) {
      throw new NexusError(
        "VERSION_NOT_FOUND",
        `Cannot run version "${version}" again: it was never served here`,
      );
    }
    return archived;
  }
}
