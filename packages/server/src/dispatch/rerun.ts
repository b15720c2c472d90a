import { NexusError } from "../core/errors.ts";
import type { NewEvent } from "../core/event.ts";
import type { Invocation } from "../core/invocation.ts";
import {
  ASPECTS,
  type Aspect,
  decodeRecording,
  hashesOf,
  type NotHermetic,
  type Recording,
  type RunHashes,
} from "../core/recording.ts";
import type { VersionArchive } from "../functions/functions.ts";
import type { EventLog } from "../log/log.ts";
import type { Outcome, Runtime } from "../runtime/runtime.ts";
import { environment } from "./environment.ts";
import { outcomeFields, type OutcomeFields } from "./record.ts";

/** A recorded run and what came of it when it was run again, without effects. */
export interface Rerun {
  /** The record of the run that was recorded. */
  readonly recorded: Invocation;
  /** The version that ran now. */
  readonly version: string;
  /** Why the run need not go the same way again; empty: it must. */
  readonly not_hermetic: readonly NotHermetic[];
  readonly identical: boolean;
  /** What is not as it was, in this order; empty where it is identical. */
  readonly differs: readonly Aspect[];
  readonly hashes: { readonly recorded: RunHashes; readonly replayed: RunHashes };
  readonly replayed: OutcomeFields;
}

export interface RerunDeps {
  readonly log: EventLog;
  readonly versions: VersionArchive;
  readonly runtime: Runtime;
}

/** Runs recorded invocations again: on their own version, with what they were given, and without a trace in the log. */
export class Reruns {
  readonly #deps: RerunDeps;
  readonly #loaded = new Map<string, Promise<void>>();

  constructor(deps: RerunDeps) {
    this.#deps = deps;
  }

  /**
   * INVOCATION_NOT_FOUND, RECORDING_NOT_FOUND, RECORDING_INVALID, EVENT_NOT_FOUND, VERSION_NOT_FOUND,
   * SHUTTING_DOWN, and what the log rejects with.
   */
  async rerun(id: string): Promise<Rerun> {
    const { recorded, recording, event } = await this.#find(id);
    const { name, version } = await this.#load(recorded.version);
    const { traceId, spanId, sampled } = { ...recording, traceId: recorded.trace_id };
    const outcome = await this.#deps.runtime.invoke({
      version: name,
      function: version.name,
      // All of them together wait as one function does: live runs have their turn before the second one.
      lane: LANE,
      stdin: event.event.json,
      env: environment({
        version,
        event,
        attempt: recorded.attempt,
        trace: { traceId, spanId, sampled },
        replay: recorded.trigger === "replay",
      }),
      tape: recording.tape,
    });
    return compare(recorded, recording, outcome);
  }

  async #find(id: string): Promise<{
    readonly recorded: Invocation;
    readonly recording: Recording;
    readonly event: NewEvent;
  }> {
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

  /** A version as reruns have it loaded: apart from live runs, which may unload theirs at any moment. */
  async #load(version: string) {
    const archived = await this.#deps.versions.get(version);
    if (archived === undefined) {
      throw new NexusError(
        "VERSION_NOT_FOUND",
        `Cannot run version "${version}" again: it was never served here`,
      );
    }
    const name = `replay:${version}`;
    let loading = this.#loaded.get(name);
    if (loading === undefined) {
      const { version: facts, module, files } = archived;
      loading = this.#deps.runtime
        .load({ version: name, bytes: module, limits: facts.limits, files, warmUp: false })
        .then(() => undefined);
      this.#loaded.set(name, loading);
      loading.catch(() => this.#loaded.delete(name));
      this.#forgetOldest();
    }
    await loading;
    return { name, version: archived.version };
  }

  #forgetOldest(): void {
    if (this.#loaded.size <= KEPT) return;
    for (const oldest of this.#loaded.keys()) {
      this.#loaded.delete(oldest);
      this.#deps.runtime.unload(oldest);
      return;
    }
  }
}

// No function can have this name.
const LANE = "replay:";
/** Versions that stay loaded for reruns. */
const KEPT = 16;

function compare(recorded: Invocation, recording: Recording, outcome: Outcome): Rerun {
  const hashes = { recorded: recording.hashes, replayed: hashesOf(outcome) };
  // A run that exited with 0 and emitted what is no event failed by the dispatcher's judgement alone.
  const judged =
    recorded.error?.code === "FUNCTION_OUTPUT_INVALID" || recorded.error?.code === "EVENT_LOOP";
  const status = judged ? "succeeded" : recorded.status;
  const same: Record<Aspect, boolean> = {
    recording: outcome.error?.code !== "REPLAY_DIVERGED",
    status: outcome.status === status,
    exit_code: outcome.exitCode === recorded.exit_code,
    output: hashes.replayed.output === hashes.recorded.output,
    logs: hashes.replayed.logs === hashes.recorded.logs,
    effects: hashes.replayed.effects === hashes.recorded.effects,
  };
  const differs = ASPECTS.filter((aspect) => !same[aspect]);
  return {
    recorded,
    version: recorded.version,
    not_hermetic: recording.notHermetic,
    identical: differs.length === 0,
    differs,
    hashes,
    replayed: outcomeFields(outcome),
  };
}
