import type { Grants } from "./grants.ts";
import type { MountFacts } from "./mounts.ts";
import type { RecordPolicy } from "./record-policy.ts";

/** What makes a function run. */
export type Trigger =
  | { readonly kind: "event"; readonly pattern: string }
  | {
      readonly kind: "http";
      /** Upper case; `*`: any. */
      readonly method: string;
      /** `/users/:id/*`: `:name` takes one segment, a last `*` the rest. */
      readonly path: string;
      /** Whether stdout is the HTTP answer; else the request is accepted with 202. */
      readonly respond: boolean;
      /** Absent: anybody may. */
      readonly auth?: "required" | undefined;
    }
  | { readonly kind: "cron"; readonly schedule: string; readonly timezone: string }
  | { readonly kind: "nats"; readonly subject: string };

export interface RetryPolicy {
  /** Attempts in all, the first included; 1: no retry. */
  readonly attempts: number;
  /** Wait before the second attempt; doubles with each further one. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** Full jitter: a random wait between half of the computed one and all of it. */
  readonly jitter: boolean;
}

/** What one invocation may use. */
export interface FunctionLimits {
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  /** Of stdout; what is over is cut and the record says so. */
  readonly outputBytes: number;
  /** Of all log lines together. */
  readonly logBytes: number;
  readonly logLines: number;
  /** Events one invocation may emit. */
  readonly emits: number;
  readonly hostCalls: number;
  /** Processor time; 0: as much as the timeout lets it use. */
  readonly cpuMs: number;
  /** Elements of all its tables together. */
  readonly tableElements: number;
  readonly moduleBytes: number;
  /** Recursive calls under way at a time; absent: as many as V8's stack holds. */
  readonly stackCalls?: number;
}

/** All that nexus.yaml says about a function, every default filled in. */
export interface FunctionSettings {
  readonly name: string;
  readonly triggers: readonly Trigger[];
  readonly limits: FunctionLimits;
  readonly env: Readonly<Record<string, string>>;
  /** Invocations of this function at the same time. */
  readonly concurrency: number;
  /** Path into the event (`subject`, `data.user_id`): events with the same value run strictly in order. */
  readonly orderBy?: string;
  readonly retry: RetryPolicy;
  /** What stdout is: an answer kept in the record, or events to append. */
  readonly output: "answer" | "events";
  /** Where a function new to the log begins. */
  readonly start: "latest" | "earliest";
  /** How much its scratch directory may hold; absent: there is none. */
  readonly scratchBytes?: number;
  /** Which of its runs are recorded; absent: all. */
  readonly record?: RecordPolicy;
  /** What is replaced in recordings that leave the log (core/redaction.ts); absent: nothing. */
  readonly redact?: readonly string[];
  /** What it may ask of the host; absent: nothing that needs a grant. */
  readonly grants?: Grants;
}

/** One immutable module with its settings and the files it sees. */
export interface FunctionVersion extends FunctionSettings {
  /** sha256 over the settings, the module and the mounted files, hexadecimal. */
  readonly version: string;
  /** sha256 of the module's bytes as the user gave them: its name in the module store. */
  readonly moduleSha256: string;
  readonly moduleBytes: number;
  /** The path the module came from, as the user wrote it; for messages only. */
  readonly code: string;
  /** Directories it sees, read only; absent: none. */
  readonly mounts?: readonly MountFacts[];
  /** Milliseconds since the Unix epoch. */
  readonly deployedAt: number;
}
