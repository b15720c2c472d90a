import type { NewEvent, StoredEvent } from "../core/event.ts";
import type { Invocation } from "../core/invocation.ts";
import type { RecordingFile } from "../core/recording-file.ts";
import type { Appended } from "../log/log.ts";
import type { Outcome } from "../runtime/runtime.ts";
import type { Replays } from "./replays/replays.ts";
import type { RerunOptions } from "./rerun.ts";
import type { Rerun } from "./run-again.ts";

export type { Replays } from "./replays/replays.ts";

/** The only mover: takes deliveries from the log to the runtime and what came of them back to the log. */
export interface Dispatch {
  /**
   * Runs one event on one function now and answers with what it wrote; append and run start together,
   * and both are done when this resolves. FUNCTION_NOT_FOUND, SHUTTING_DOWN, and what append rejects with.
   */
  call(event: NewEvent, name: string): Promise<CallResult>;

  /**
   * Appends, then waits until each delivery of these events has ended (done or dead) or `signal`
   * aborts. `complete` is false in the second case.
   */
  appendAndWait(events: readonly NewEvent[], signal: AbortSignal): Promise<readonly Waited[]>;

  /** Runs a kept event again, live, on every function it matches or on one. FUNCTION_NOT_FOUND. */
  replay(stored: StoredEvent, options: ReplayOptions): Promise<readonly Invocation[]>;

  /**
   * Runs a recorded invocation again from its recording, on the version that it ran on or on another one, or
   * with something changed: nothing is recorded, emitted or kept. What came of it, beside what had come of it then.
   * INVOCATION_NOT_FOUND, RECORDING_NOT_FOUND, RECORDING_INVALID, EVENT_NOT_FOUND, VERSION_NOT_FOUND,
   * SHUTTING_DOWN; on another version also CANDIDATE_INVALID, and REQUEST_INVALID where no one version is meant;
   * with something changed also EVENT_INVALID and REQUEST_INVALID.
   */
  rerun(invocationId: string, options?: RerunOptions): Promise<Rerun>;

  /**
   * All that it takes to run a recorded invocation again on another machine, redacted as its function says;
   * `withModule`: its module and mounts, too. Rejects as `rerun` does.
   */
  recordingFile(
    invocationId: string,
    options: { readonly withModule: boolean },
  ): Promise<RecordingFile>;

  /** Past runs made again on a candidate. */
  readonly replays: Replays;

  /** Takes nothing new, waits for what runs until `signal` aborts, then stops it. Safe to call twice. */
  stop(signal: AbortSignal): Promise<void>;
}

export interface CallResult {
  readonly appended: Appended;
  readonly invocationId: string;
  /** Undefined for a duplicate: it ran before. */
  readonly outcome: Outcome | undefined;
}

export interface Waited {
  readonly appended: Appended;
  readonly complete: boolean;
  /** Every attempt so far, oldest first. */
  readonly invocations: readonly Invocation[];
}

export interface ReplayOptions {
  readonly function?: string;
  /** Of the request that asked for it: the replay's trace is its own, linked to the original's. */
  readonly traceparent: string;
}
