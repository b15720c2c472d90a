import type { ErrorCode } from "../core/errors.ts";
import type { InvocationStatus, LogLine } from "../core/invocation.ts";
import type { NotHermetic } from "../core/recording.ts";

/** What one run did, as far as two runs of one event are compared. */
export interface RunFacts {
  readonly status: InvocationStatus;
  /** Null where the module never came to exit. */
  readonly exitCode: number | null;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  /** The bytes of stdout, up to the limit. Whether they are JSON, text or neither is found out. */
  readonly output: Uint8Array;
  readonly outputTruncated: boolean;
  readonly logs: readonly Pick<LogLine, "text" | "level">[];
  readonly logsTruncated: boolean;
  /** In the order in which the function asked for them. */
  readonly effects: readonly Effect[];
  readonly durationMs: number;
  readonly memoryPeakBytes: number;
  /** Whether the module was compiled or warmed for this run: then its duration says little. */
  readonly cold: boolean;
}

/** What a run did, or would have done, to the world. */
export interface Effect {
  /** `emit`, `kv.set`, `kv.delete`, `fetch`: the host call, as docs name it. */
  readonly kind: string;
  /** What it acts upon, in one line: the event's type, the key, method and address. With `kind` it finds its like in the other run. */
  readonly summary: string;
  /** The rest of it: the event, the value, headers and body. JSON where it can be. */
  readonly content: Uint8Array;
}

/** An invocation of the past, and what came of it when it was run again. */
export interface ReplayedPair {
  readonly invocationId: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly function: string;
  /** Of the event in the log. */
  readonly position: number;
  readonly recorded: RunFacts;
  readonly candidate: RunFacts;
}

/** An invocation of the past that could not be run again. */
export interface SkippedRun {
  readonly invocationId: string;
  readonly reason: SkipReason;
  /** With `not_hermetic`. */
  readonly because?: readonly NotHermetic[];
}

export const SKIP_REASONS = [
  "no_recording",
  "not_hermetic",
  "recording_invalid",
  "event_gone",
  "version_gone",
] as const;

export type SkipReason = (typeof SKIP_REASONS)[number];
