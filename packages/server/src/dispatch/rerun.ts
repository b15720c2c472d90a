import { decodeRecording } from "../core/recording.ts";
import type { VersionArchive } from "../functions/functions.ts";
import type { EventLog } from "../log/log.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { findRecorded, findVersion } from "./find-recorded.ts";
import { type Rerun, RerunVersions, runAgain } from "./run-again.ts";

export interface RerunDeps {
  readonly log: EventLog;
  readonly versions: VersionArchive;
  readonly runtime: Runtime;
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
    const { log, versions, runtime } = this.#deps;
    const { recorded, recording: bytes, event } = await findRecorded({ log, versions }, id);
    const version = await findVersion(versions, recorded.version);
    const run = { recorded, recording: decodeRecording(bytes), event };
    return runAgain(run, version, { versions: this.#loaded, runtime });
  }
}
