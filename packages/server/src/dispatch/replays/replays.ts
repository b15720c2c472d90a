import type { ReplayJob, ReplayPreview, ReplayRequest } from "../../core/replay-job.ts";
import type { KeptVersion } from "../../functions/functions.ts";
import type { ReplayReport } from "../../replay/report.ts";

/**
 * Past runs made again on a candidate, as jobs that go on after a restart. What they do to the world is
 * suppressed, and nothing of them is in the log but the job itself. With `live` in place of a candidate
 * they run on the version in service, with real effects and records of their own. Everything rejects with what the log's
 * state rejects with beside what is said.
 */
export interface Replays {
  /**
   * Keeps the job; it begins when those before it have ended. VERSION_NOT_FOUND, CANDIDATE_INVALID, OVERLOADED,
   * REQUEST_INVALID where no one version of that function is meant, FUNCTION_NOT_FOUND where it is to run
   * live and is not in service.
   */
  create(request: ReplayRequest): Promise<ReplayJob>;

  /** What the job would choose. Rejects as `create` does. */
  preview(request: ReplayRequest): Promise<ReplayPreview>;

  /** Newest first. */
  list(): Promise<readonly ReplayJob[]>;

  /** REPLAY_NOT_FOUND. */
  get(id: string): Promise<ReplayJob>;

  /** What came of the runs made so far. REPLAY_NOT_FOUND; UNSUPPORTED where another release wrote it. */
  report(id: string): Promise<ReplayReport>;

  /** The job when it has changed, at most some times a second, until it has ended or `signal` aborts. REPLAY_NOT_FOUND. */
  follow(id: string, signal: AbortSignal): AsyncIterable<ReplayJob>;

  /** Ends it soon; what came of it until then stays. One that has ended stays as it is. REPLAY_NOT_FOUND. */
  cancel(id: string): Promise<ReplayJob>;

  /** The versions of a function that its runs can be made again on here, in the order in which they were served first. */
  versions(name: string): Promise<readonly KeptVersion[]>;

  /** Keeps a module to run jobs on; resolves with its sha256. CANDIDATE_INVALID. */
  keepModule(bytes: Uint8Array): Promise<string>;
}
