import type { NewEvent } from "../core/event.ts";
import type { Invocation, InvocationStatus } from "../core/invocation.ts";
import {
  ASPECTS,
  type Aspect,
  hashesOf,
  type NotHermetic,
  type Recording,
  type RunHashes,
} from "../core/recording.ts";
import type { Effects } from "../effects/effects.ts";
import type { ArchivedVersion } from "../functions/functions.ts";
import type { FollowedTape, InvokeRequest, Outcome, Runtime } from "../runtime/runtime.ts";
import { effectsOn } from "../runtime/taped-effects.ts";
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

/** A run with all that it was given. */
export interface RecordedRun extends GivenRun {
  readonly recorded: Invocation;
  readonly recording: Recording;
}

/** Of a run: what it was given, without what came of it. */
export interface GivenRun {
  readonly event: NewEvent;
  readonly recorded: Pick<Invocation, "attempt" | "trigger" | "trace_id" | "started_at">;
  readonly recording: Pick<Recording, "spanId" | "sampled" | "tape">;
  /** When it is to begin, in milliseconds since the Unix epoch, where that is another time. */
  readonly startedAt?: number;
}

export interface RunAgainDeps {
  readonly versions: RerunVersions;
  readonly runtime: Runtime;
  /** Stops the run. */
  readonly signal?: AbortSignal | undefined;
  /** For secrets, of which no tape has the value; nothing else of it is asked. */
  readonly effects: Pick<Effects, "secretsFor">;
}

/** Runs it again on the version that it ran on and compares. Rejects as `outcomeAgain` does. */
export async function runAgain(
  run: RecordedRun,
  archived: ArchivedVersion,
  deps: RunAgainDeps,
): Promise<Rerun> {
  return compare(run, archived.version.version, await outcomeAgain(run, archived, deps));
}

/**
 * What comes of it now, given what it was given then and nothing of the machine's own. Nothing is kept of
 * it anywhere. Rejects as Runtime.load and Runtime.invoke do.
 */
export function outcomeAgain(
  run: GivenRun,
  archived: ArchivedVersion,
  deps: RunAgainDeps,
): Promise<Outcome> {
  return invoke(run, archived, { ...deps, tape: run.recording.tape });
}

/**
 * What would have come of it on another version: given the same as far as it asks for the same, and what
 * follows from that beyond it (FollowedTape). Nothing is kept of it anywhere. Rejects as Runtime.load and
 * Runtime.invoke do.
 */
export function outcomeOn(
  run: GivenRun,
  candidate: ArchivedVersion,
  deps: RunAgainDeps,
): Promise<Outcome> {
  const { startedAt = Date.parse(run.recorded.started_at) } = run;
  return invoke(run, candidate, { ...deps, tape: { follow: run.recording.tape, startedAt } });
}

async function invoke(
  { event, recorded, recording }: GivenRun,
  archived: ArchivedVersion,
  {
    versions,
    runtime,
    effects,
    signal,
    tape,
  }: RunAgainDeps & {
    readonly tape: Uint8Array | FollowedTape;
  },
): Promise<Outcome> {
  const { version } = archived;
  const name = await versions.load(archived);
  const { spanId, sampled } = recording;
  const request: InvokeRequest = {
    version: name,
    function: version.name,
    // All of them together wait as one function does: live runs have their turn before the second one.
    lane: LANE,
    stdin: event.event.json,
    env: environment({
      version,
      event,
      attempt: recorded.attempt,
      trace: { traceId: recorded.trace_id, spanId, sampled },
      replay: recorded.trigger === "replay",
    }),
    tape,
    secrets: effects.secretsFor(version),
  };
  return runtime.invoke(request, signal);
}

// No function can have this name.
const LANE = "replay:";
/** Versions that stay loaded for reruns. */
const KEPT = 16;

/** Versions as reruns have them loaded: apart from live runs, which may unload theirs at any moment. */
export class RerunVersions {
  readonly #runtime: Runtime;
  readonly #loaded = new Map<string, Promise<void>>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Resolves with its name in the runtime. Loading one again costs nothing. Rejects as Runtime.load does. */
  async load({ version, module, files }: ArchivedVersion): Promise<string> {
    const name = `${LANE}${version.version}`;
    let loading = this.#loaded.get(name);
    if (loading === undefined) {
      loading = this.#runtime
        .load({
          version: name,
          bytes: module,
          limits: version.limits,
          grants: version.grants,
          files,
          warmUp: false,
        })
        .then(() => undefined);
      this.#loaded.set(name, loading);
      loading.catch(() => this.#loaded.delete(name));
      this.#forgetOldest();
    }
    await loading;
    return name;
  }

  #forgetOldest(): void {
    if (this.#loaded.size <= KEPT) return;
    for (const oldest of this.#loaded.keys()) {
      this.#loaded.delete(oldest);
      this.#runtime.unload(oldest);
      return;
    }
  }
}

/** What of the run is not as it was. */
export function compare(run: RecordedRun, version: string, outcome: Outcome): Rerun {
  // A run that exited with 0 and emitted what is no event failed by the dispatcher's judgement alone.
  const code = run.recorded.error?.code;
  const judged = code === "FUNCTION_OUTPUT_INVALID" || code === "EVENT_LOOP";
  const status = judged ? "succeeded" : run.recorded.status;
  return compareWith(run, { version, outcome, status });
}

/** A run that was made again. */
export interface Again {
  readonly version: string;
  readonly outcome: Outcome;
  readonly status: InvocationStatus;
  /** A tape with the host calls that it made; absent: they are those of the recording, or it diverged. */
  readonly asked?: Uint8Array;
}

function sameEffects(one: Uint8Array, other: Uint8Array): boolean {
  const told = (tape: Uint8Array) =>
    JSON.stringify(
      effectsOn(tape).map((effect) => [
        effect.kind,
        effect.summary,
        Buffer.from(effect.content).toString("base64"),
      ]),
    );
  return told(one) === told(other);
}

/** What of the run is not as it was, where it is to end with `status`. */
export function compareWith(
  { recorded, recording }: RecordedRun,
  { version, outcome, status, asked }: Again,
): Rerun {
  const hashes = { recorded: recording.hashes, replayed: hashesOf(outcome) };
  const same: Record<Aspect, boolean> = {
    recording: outcome.error?.code !== "REPLAY_DIVERGED",
    status: outcome.status === status,
    exit_code: outcome.exitCode === recorded.exit_code,
    output: hashes.replayed.output === hashes.recorded.output,
    logs: hashes.replayed.logs === hashes.recorded.logs,
    effects:
      hashes.replayed.effects === hashes.recorded.effects &&
      (asked === undefined || sameEffects(asked, recording.tape)),
  };
  const differs = ASPECTS.filter((aspect) => !same[aspect]);
  return {
    recorded,
    version,
    not_hermetic: recording.notHermetic,
    identical: differs.length === 0,
    differs,
    hashes,
    replayed: outcomeFields(outcome),
  };
}
