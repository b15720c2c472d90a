import type { ErrorCode } from "./errors.ts";

/** How one execution ended. `failed`: an exit code other than 0, or output that cannot be used. */
export type InvocationStatus =
  | "succeeded"
  | "failed"
  | "timed_out"
  | "out_of_memory"
  | "trapped"
  | "cancelled";

export const INVOCATION_STATUSES = [
  "succeeded",
  "failed",
  "timed_out",
  "out_of_memory",
  "trapped",
  "cancelled",
] as const satisfies readonly InvocationStatus[];

/** What made the function run. A replay keeps no trace of the first trigger but the event itself. */
export type InvocationTrigger = "event" | "http" | "cron" | "nats" | "replay";

/** What became of the delivery after this attempt. `none`: there was no delivery (a replay). */
export type DeliveryState = "done" | "retry" | "dead" | "none";

/** What a run can reach, by the keys of nexus.yaml; `stack` where that says nothing too. */
export const LIMIT_NAMES = [
  "timeout",
  "cpu",
  "memory",
  "table",
  "stack",
  "output",
  "logs",
  "log_lines",
  "emits",
  "host_calls",
  "scratch",
] as const;

export type LimitName = (typeof LIMIT_NAMES)[number];

export interface InvocationError {
  readonly code: ErrorCode;
  readonly message: string;
  /** Where the module itself gave up, as far as that is known. */
  readonly trap?: Trap;
}

/** Why and where a module stopped by itself. The names are those of the HTTP API. */
export interface Trap {
  readonly reason: string;
  /** The functions under way, the innermost first. */
  readonly frames: readonly TrapFrame[];
  /** The last calls to the host, the last one last. */
  readonly host_calls?: readonly string[];
}

export interface TrapFrame {
  /** As its author wrote it, where the module has names; else `function 12`. */
  readonly function: string;
  readonly index: number;
  /** Bytes from the module's beginning. */
  readonly offset: number;
  /** Where the module has DWARF line tables or a source map. */
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
}

/** Levels that a function can give a line of its log. Their places are what `nexus.log` takes. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogLine {
  /** RFC 3339 with milliseconds. */
  readonly time: string;
  readonly text: string;
  /** Absent: it was written to stderr. */
  readonly level?: LogLevel;
}

/**
 * The record of one execution of one version on one event. The names are those of the HTTP API: a
 * record is stored, listed and printed in one shape.
 */
export interface Invocation {
  /** UUIDv7: sorts by start. */
  readonly id: string;
  readonly event_id: string;
  readonly event_source: string;
  readonly event_type: string;
  readonly position: number;
  readonly function: string;
  /** sha256 of the version, hexadecimal. */
  readonly version: string;
  /** From 1. */
  readonly attempt: number;
  readonly trigger: InvocationTrigger;
  readonly status: InvocationStatus;
  /** Null where the module never came to exit: a trap, a timeout. */
  readonly exit_code: number | null;
  readonly error: InvocationError | null;
  /** What the function wrote to stdout, cut at the limit. */
  readonly output: string;
  readonly output_encoding: "utf-8" | "base64";
  /** Bytes written, those cut off included. */
  readonly output_bytes: number;
  readonly output_truncated: boolean;
  readonly logs: readonly LogLine[];
  readonly logs_truncated: boolean;
  /** Limits the run reached, whether that ended it or not. */
  readonly limits_reached: readonly LimitName[];
  /** Ids of the events this invocation emitted. */
  readonly emitted: readonly string[];
  /** RFC 3339 with milliseconds. */
  readonly started_at: string;
  /** Run time in the sandbox, to the microsecond. */
  readonly duration_ms: number;
  readonly memory_peak_bytes: number;
  /** Whether this worker had to compile or warm the module first. */
  readonly cold: boolean;
  readonly trace_id: string;
  readonly delivery: DeliveryState;
  /** When the next attempt is due; null unless `delivery` is `retry`. RFC 3339. */
  readonly retry_at: string | null;
}

/** A delivery that used up its attempts. Names as in the HTTP API. */
export interface DeadLetter {
  readonly id: string;
  readonly event_id: string;
  readonly event_source: string;
  readonly event_type: string;
  readonly position: number;
  readonly function: string;
  readonly attempts: number;
  readonly error: InvocationError;
  /** The last attempt's record. */
  readonly invocation_id: string;
  /** RFC 3339. */
  readonly dead_at: string;
}
