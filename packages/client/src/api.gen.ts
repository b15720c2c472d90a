// Generated from packages/server/openapi.json by `npm run generate`. Do not edit.

/** An error (RFC 9457). */
export type Problem = {
  /** A reference to the code's part of `GET /errors`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** What was wrong with this one request. */
  readonly detail: string;
  /** Stable: a code never changes its meaning. */
  readonly code: "REQUEST_INVALID" | "EVENT_INVALID" | "BODY_INVALID" | "CURSOR_INVALID" | "CANDIDATE_INVALID" | "UNAUTHORIZED" | "FORBIDDEN" | "ROUTE_NOT_FOUND" | "EVENT_NOT_FOUND" | "INVOCATION_NOT_FOUND" | "FUNCTION_NOT_FOUND" | "REPLAY_NOT_FOUND" | "DEAD_LETTER_NOT_FOUND" | "METHOD_NOT_ALLOWED" | "REQUEST_TIMEOUT" | "EVENT_TOO_LARGE" | "STATE_TOO_LARGE" | "STATE_KEY_INVALID" | "MEDIA_TYPE_UNSUPPORTED" | "RATE_LIMITED" | "HEADERS_TOO_LARGE" | "FUNCTION_FAILED" | "FUNCTION_TRAPPED" | "FUNCTION_TIMED_OUT" | "FUNCTION_OUT_OF_MEMORY" | "FUNCTION_OUTPUT_INVALID" | "FUNCTION_CANCELLED" | "EVENT_LOOP" | "FUNCTION_LIMIT" | "RECORDING_NOT_FOUND" | "RECORDING_INVALID" | "VERSION_NOT_FOUND" | "REPLAY_DIVERGED" | "CONFIG_INVALID" | "CONFIG_NOT_FOUND" | "MODULE_INVALID" | "DATA_DIR_UNUSABLE" | "DATA_DIR_LOCKED" | "PORT_UNAVAILABLE" | "NATS_UNSUPPORTED" | "NATS_SERVER_UNUSABLE" | "ARCHIVE_INVALID" | "LOG_NOT_EMPTY" | "IMPORT_UNFINISHED" | "NATS_UNREACHABLE" | "LOG_UNAVAILABLE" | "LOG_FULL" | "OVERLOADED" | "SHUTTING_DOWN" | "UNSUPPORTED" | "INTERNAL";
  readonly trace_id: string;
};

/** An event in the JSON event format of CloudEvents 1.0. Extension attributes are further members: lower-case letters and digits. */
export type CloudEvent = {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time?: string;
  readonly subject?: string | null;
  readonly datacontenttype?: string | null;
  readonly dataschema?: string | null;
  readonly data?: unknown;
  readonly data_base64?: string | null;
  readonly [name: string]: unknown;
};

export type CloudEvents = readonly CloudEvent[];

/** The event is durable. */
export type Accepted = {
  readonly event_id: string;
  readonly type: string;
  readonly status: "accepted" | "duplicate";
  /** Order of acceptance; a duplicate has the first one's. */
  readonly position: number;
  readonly trace_id: string;
  /** With `?wait=` only: every attempt so far, oldest first. Of a duplicate only where the token may read. */
  readonly invocations?: readonly Invocation[];
};

export type AcceptedBatch = {
  readonly events: readonly Accepted[];
};

export type AcceptedAny = Accepted | AcceptedBatch;

export type EventPage = {
  readonly events: readonly CloudEvent[];
  /** Absent on the last page. */
  readonly next_cursor?: string;
};

/** The record of one execution of one version on one event. */
export type Invocation = {
  readonly id: string;
  readonly event_id: string;
  readonly event_source: string;
  readonly event_type: string;
  readonly position: number;
  readonly function: string;
  /** sha256 of module and settings. */
  readonly version: string;
  readonly attempt: number;
  readonly trigger: "event" | "http" | "cron" | "nats" | "replay";
  readonly status: "succeeded" | "failed" | "timed_out" | "out_of_memory" | "trapped" | "cancelled";
  readonly exit_code: number | null;
  readonly error: InvocationError | null;
  /** What the function wrote to stdout, cut at its limit. */
  readonly output: string;
  readonly output_encoding: "utf-8" | "base64";
  /** Bytes written, those cut off included. */
  readonly output_bytes: number;
  readonly output_truncated: boolean;
  readonly logs: readonly ({
    readonly time: string;
    readonly text: string;
    /** Absent: written to stderr. */
    readonly level?: "debug" | "info" | "warn" | "error";
  })[];
  readonly logs_truncated: boolean;
  /** Limits the run reached, whether that ended it or not. */
  readonly limits_reached: readonly ("timeout" | "cpu" | "memory" | "table" | "stack" | "output" | "logs" | "log_lines" | "emits" | "host_calls" | "scratch")[];
  /** Ids of the events this invocation emitted. */
  readonly emitted: readonly string[];
  readonly started_at: string;
  readonly duration_ms: number;
  readonly memory_peak_bytes: number;
  readonly cold: boolean;
  readonly trace_id: string;
  /** What became of the delivery after this attempt; `none`: a replay has no delivery. */
  readonly delivery: "done" | "retry" | "dead" | "none";
  readonly retry_at: string | null;
};

export type InvocationError = {
  readonly code: "REQUEST_INVALID" | "EVENT_INVALID" | "BODY_INVALID" | "CURSOR_INVALID" | "CANDIDATE_INVALID" | "UNAUTHORIZED" | "FORBIDDEN" | "ROUTE_NOT_FOUND" | "EVENT_NOT_FOUND" | "INVOCATION_NOT_FOUND" | "FUNCTION_NOT_FOUND" | "REPLAY_NOT_FOUND" | "DEAD_LETTER_NOT_FOUND" | "METHOD_NOT_ALLOWED" | "REQUEST_TIMEOUT" | "EVENT_TOO_LARGE" | "STATE_TOO_LARGE" | "STATE_KEY_INVALID" | "MEDIA_TYPE_UNSUPPORTED" | "RATE_LIMITED" | "HEADERS_TOO_LARGE" | "FUNCTION_FAILED" | "FUNCTION_TRAPPED" | "FUNCTION_TIMED_OUT" | "FUNCTION_OUT_OF_MEMORY" | "FUNCTION_OUTPUT_INVALID" | "FUNCTION_CANCELLED" | "EVENT_LOOP" | "FUNCTION_LIMIT" | "RECORDING_NOT_FOUND" | "RECORDING_INVALID" | "VERSION_NOT_FOUND" | "REPLAY_DIVERGED" | "CONFIG_INVALID" | "CONFIG_NOT_FOUND" | "MODULE_INVALID" | "DATA_DIR_UNUSABLE" | "DATA_DIR_LOCKED" | "PORT_UNAVAILABLE" | "NATS_UNSUPPORTED" | "NATS_SERVER_UNUSABLE" | "ARCHIVE_INVALID" | "LOG_NOT_EMPTY" | "IMPORT_UNFINISHED" | "NATS_UNREACHABLE" | "LOG_UNAVAILABLE" | "LOG_FULL" | "OVERLOADED" | "SHUTTING_DOWN" | "UNSUPPORTED" | "INTERNAL";
  readonly message: string;
  /** Where the module itself gave up: why, and on which way. */
  readonly trap?: {
    readonly reason: string;
    /** The functions under way, the innermost first. */
    readonly frames: readonly ({
      /** Its name, where the module has names; else `function 12`. */
      readonly function: string;
      readonly index: number;
      /** Bytes from the module's beginning. */
      readonly offset: number;
      /** Where the module has DWARF line tables or a source map; `line` and `column` too. */
      readonly file?: string;
      readonly line?: number;
      readonly column?: number;
    })[];
    /** The last calls to the host, the last one last. */
    readonly host_calls?: readonly string[];
  };
};

export type InvocationPage = {
  readonly invocations: readonly Invocation[];
  /** Absent on the last page. */
  readonly next_cursor?: string;
};

export type InvocationList = {
  readonly invocations: readonly Invocation[];
};

/** A recorded run, and what came of it when it was run again without effects. */
export type Rerun = {
  readonly recorded: Invocation;
  /** The version that ran now. */
  readonly version: string;
  /** Why the run need not go the same way again: `tape_full`, it was given more than is kept; `stopped`, the host ended it; `stack`, it came to the end of the machine's stack; `memory`, the machine had none; `redacted`, parts of the event were replaced. Empty: it must. */
  readonly not_hermetic: readonly ("tape_full" | "stopped" | "stack" | "memory" | "redacted")[];
  readonly identical: boolean;
  /** What is not as it was; `recording`: the run asked for what it was not given. */
  readonly differs: readonly ("recording" | "status" | "exit_code" | "output" | "logs" | "effects")[];
  readonly hashes: {
    readonly recorded: {
      /** Of the bytes of stdout, up to the limit. */
      readonly output: string;
      /** Of the log's lines, without their times. */
      readonly logs: string;
      /** Of the events it emitted, as it gave them. */
      readonly effects: string;
    };
    readonly replayed: {
      /** Of the bytes of stdout, up to the limit. */
      readonly output: string;
      /** Of the log's lines, without their times. */
      readonly logs: string;
      /** Of the events it emitted, as it gave them. */
      readonly effects: string;
    };
  };
  readonly replayed: {
    readonly status: "succeeded" | "failed" | "timed_out" | "out_of_memory" | "trapped" | "cancelled";
    readonly exit_code: number | null;
    readonly error: InvocationError | null;
    /** What the function wrote to stdout, cut at its limit. */
    readonly output: string;
    readonly output_encoding: "utf-8" | "base64";
    /** Bytes written, those cut off included. */
    readonly output_bytes: number;
    readonly output_truncated: boolean;
    readonly logs: readonly ({
      readonly time: string;
      readonly text: string;
      /** Absent: written to stderr. */
      readonly level?: "debug" | "info" | "warn" | "error";
    })[];
    readonly logs_truncated: boolean;
    /** Limits the run reached, whether that ended it or not. */
    readonly limits_reached: readonly ("timeout" | "cpu" | "memory" | "table" | "stack" | "output" | "logs" | "log_lines" | "emits" | "host_calls" | "scratch")[];
    readonly started_at: string;
    readonly duration_ms: number;
    readonly memory_peak_bytes: number;
    readonly cold: boolean;
  };
};

export type Replayed = {
  readonly event_id: string;
  readonly invocations: readonly Invocation[];
};

/** A delivery that used up its attempts. */
export type DeadLetter = {
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
  readonly dead_at: string;
};

export type DeadLetterPage = {
  readonly dead_letters: readonly DeadLetter[];
  /** Absent on the last page. */
  readonly next_cursor?: string;
};

export type RedriveFilter = {
  readonly function?: string;
  /** A pattern. */
  readonly type?: string;
  /** At most so many; all where absent. */
  readonly limit?: number;
};

export type Redriven = {
  readonly redriven: number;
};

export type NewReplay = {
  readonly function: string;
  /** Runs started at or after: a timestamp (RFC 3339) or an age such as `24h`. */
  readonly since?: string;
  /** Runs started before, in the same words; now if absent. */
  readonly until?: string;
  /** A pattern. */
  readonly type?: string;
  /** Of the recorded run. */
  readonly status?: "succeeded" | "failed" | "timed_out" | "out_of_memory" | "trapped" | "cancelled";
  readonly event_ids?: readonly string[];
  /** The share of them; all if absent. */
  readonly sample?: number;
  /** So many at most, the newest; 1000 if absent. */
  readonly limit?: number;
  /** What the runs are made again on: a version, a module with the settings of the version that each run was recorded on, or live. */
  readonly against: {
    /** One that was served here: its sha256, or the first digits. */
    readonly version: string;
  } | {
    /** As POST /replays/modules answered. */
    readonly module_sha256: string;
  } | {
    /** On the version in service, with real effects and records of their own. */
    readonly live: true;
  };
  /** Runs at the same time; 1 if absent. */
  readonly concurrency?: number;
  /** Runs a second at most; as fast as it goes if absent. */
  readonly rate?: number;
};

/** Past runs made again on a candidate, without effects. */
export type Replay = {
  readonly id: string;
  /** `queued` and `running` go on after a restart; the others are the end. */
  readonly state: "queued" | "running" | "done" | "cancelled" | "failed";
  readonly request: {
    readonly function: string;
    readonly type: string | null;
    readonly status: "succeeded" | "failed" | "timed_out" | "out_of_memory" | "trapped" | "cancelled" | null;
    readonly event_ids: readonly string[] | null;
    /** The share of them; the same runs each time. */
    readonly sample: number;
    /** So many at most, the newest. */
    readonly limit: number;
    /** What the runs are made again on: a version, a module with the settings of the version that each run was recorded on, or live. */
    readonly against: {
      /** One that was served here: its sha256, or the first digits. */
      readonly version: string;
    } | {
      /** As POST /replays/modules answered. */
      readonly module_sha256: string;
    } | {
      /** On the version in service, with real effects and records of their own. */
      readonly live: true;
    };
    /** Runs at the same time. */
    readonly concurrency: number;
    readonly rate: number | null;
    readonly since: string | null;
    readonly until: string;
  };
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  /** With `failed` only. */
  readonly error: {
    readonly code: "REQUEST_INVALID" | "EVENT_INVALID" | "BODY_INVALID" | "CURSOR_INVALID" | "CANDIDATE_INVALID" | "UNAUTHORIZED" | "FORBIDDEN" | "ROUTE_NOT_FOUND" | "EVENT_NOT_FOUND" | "INVOCATION_NOT_FOUND" | "FUNCTION_NOT_FOUND" | "REPLAY_NOT_FOUND" | "DEAD_LETTER_NOT_FOUND" | "METHOD_NOT_ALLOWED" | "REQUEST_TIMEOUT" | "EVENT_TOO_LARGE" | "STATE_TOO_LARGE" | "STATE_KEY_INVALID" | "MEDIA_TYPE_UNSUPPORTED" | "RATE_LIMITED" | "HEADERS_TOO_LARGE" | "FUNCTION_FAILED" | "FUNCTION_TRAPPED" | "FUNCTION_TIMED_OUT" | "FUNCTION_OUT_OF_MEMORY" | "FUNCTION_OUTPUT_INVALID" | "FUNCTION_CANCELLED" | "EVENT_LOOP" | "FUNCTION_LIMIT" | "RECORDING_NOT_FOUND" | "RECORDING_INVALID" | "VERSION_NOT_FOUND" | "REPLAY_DIVERGED" | "CONFIG_INVALID" | "CONFIG_NOT_FOUND" | "MODULE_INVALID" | "DATA_DIR_UNUSABLE" | "DATA_DIR_LOCKED" | "PORT_UNAVAILABLE" | "NATS_UNSUPPORTED" | "NATS_SERVER_UNUSABLE" | "ARCHIVE_INVALID" | "LOG_NOT_EMPTY" | "IMPORT_UNFINISHED" | "NATS_UNREACHABLE" | "LOG_UNAVAILABLE" | "LOG_FULL" | "OVERLOADED" | "SHUTTING_DOWN" | "UNSUPPORTED" | "INTERNAL";
    readonly message: string;
  } | null;
  /** Runs chosen; null: not known yet. */
  readonly chosen: number | null;
  /** Runs of those that were made again, or skipped. */
  readonly done: number;
  readonly counts: {
    readonly newly_failing: number;
    readonly diverged: number;
    readonly changed: number;
    readonly newly_passing: number;
    readonly same: number;
    readonly skipped: number;
  };
};

export type ReplayList = {
  readonly replays: readonly Replay[];
};

export type ReplayModule = {
  readonly module_sha256: string;
};

/** What a replay would choose. */
export type ReplayPreview = {
  /** Runs. */
  readonly chosen: number;
  /** What they did to the world when they were recorded, the most frequent first. */
  readonly effects: readonly ({
    readonly kind: string;
    readonly count: number;
  })[];
};

/** What came of the runs made so far. */
export type ReplayReport = {
  readonly compared: number;
  readonly counts: {
    readonly newly_failing: number;
    readonly diverged: number;
    readonly changed: number;
    readonly newly_passing: number;
    readonly same: number;
  };
  readonly skipped: readonly ({
    readonly reason: "no_recording" | "not_hermetic" | "recording_invalid" | "event_gone" | "version_gone";
    readonly because: readonly ("tape_full" | "stopped" | "stack" | "memory" | "redacted")[];
    readonly count: number;
    /** The first three. */
    readonly invocation_ids: readonly string[];
  })[];
  /** Runs that differ in the same way, the largest group first. */
  readonly groups: readonly ({
    readonly id: string;
    readonly function: string;
    readonly verdict: "newly_failing" | "diverged" | "changed" | "newly_passing";
    readonly count: number;
    readonly changes: readonly ({
      readonly aspect: "status" | "exit_code" | "error" | "output" | "log" | "effect";
      readonly change: "added" | "removed" | "changed" | "reordered" | "formatting";
      /** A JSON path, a line's pattern, an effect's kind and target. */
      readonly what: string;
    })[];
    readonly more_changes: boolean;
    /** Whether its runs differ in the same aspects only. */
    readonly mixed: boolean;
    readonly examples: readonly ({
      readonly invocation_id: string;
      readonly event_id: string;
      readonly event_type: string;
      readonly function: string;
      readonly position: number;
      readonly diff: readonly ({
        readonly part: "outcome" | "output" | "logs" | "effects";
        readonly lines: readonly string[];
      })[];
    })[];
  })[];
  readonly duration: {
    readonly unit: "ms" | "bytes";
    readonly recorded: {
      readonly p50: number | null;
      readonly p95: number | null;
      readonly max: number | null;
    };
    readonly candidate: {
      readonly p50: number | null;
      readonly p95: number | null;
      readonly max: number | null;
    };
    /** The five runs that took most now. */
    readonly highest: readonly ({
      readonly invocation_id: string;
      readonly event_id: string;
      readonly event_type: string;
      readonly function: string;
      readonly position: number;
      readonly recorded: number;
      readonly candidate: number;
      readonly difference: number;
      readonly ratio: number | null;
    })[];
    /** Runs that took more, beyond noise. */
    readonly more: number;
    readonly less: number;
    readonly largest_changes: readonly ({
      readonly invocation_id: string;
      readonly event_id: string;
      readonly event_type: string;
      readonly function: string;
      readonly position: number;
      readonly recorded: number;
      readonly candidate: number;
      readonly difference: number;
      readonly ratio: number | null;
    })[];
    readonly noise: {
      readonly least: number;
      readonly ratio: number;
    };
    readonly left_out: {
      /** Runs left out: a module was compiled for one of the two. */
      readonly cold: number;
      /** Runs left out: one of the two broke off. */
      readonly ended_otherwise: number;
    };
  };
  readonly memory: {
    readonly unit: "ms" | "bytes";
    readonly recorded: {
      readonly p50: number | null;
      readonly p95: number | null;
      readonly max: number | null;
    };
    readonly candidate: {
      readonly p50: number | null;
      readonly p95: number | null;
      readonly max: number | null;
    };
    /** The five runs that took most now. */
    readonly highest: readonly ({
      readonly invocation_id: string;
      readonly event_id: string;
      readonly event_type: string;
      readonly function: string;
      readonly position: number;
      readonly recorded: number;
      readonly candidate: number;
      readonly difference: number;
      readonly ratio: number | null;
    })[];
    /** Runs that took more, beyond noise. */
    readonly more: number;
    readonly less: number;
    readonly largest_changes: readonly ({
      readonly invocation_id: string;
      readonly event_id: string;
      readonly event_type: string;
      readonly function: string;
      readonly position: number;
      readonly recorded: number;
      readonly candidate: number;
      readonly difference: number;
      readonly ratio: number | null;
    })[];
    readonly noise: {
      readonly least: number;
      readonly ratio: number;
    };
    readonly left_out: {
      /** Runs left out: a module was compiled for one of the two. */
      readonly cold: number;
      /** Runs left out: one of the two broke off. */
      readonly ended_otherwise: number;
    };
  };
};

export type ReplayWithReport = {
  readonly id: string;
  /** `queued` and `running` go on after a restart; the others are the end. */
  readonly state: "queued" | "running" | "done" | "cancelled" | "failed";
  readonly request: {
    readonly function: string;
    readonly type: string | null;
    readonly status: "succeeded" | "failed" | "timed_out" | "out_of_memory" | "trapped" | "cancelled" | null;
    readonly event_ids: readonly string[] | null;
    /** The share of them; the same runs each time. */
    readonly sample: number;
    /** So many at most, the newest. */
    readonly limit: number;
    /** What the runs are made again on: a version, a module with the settings of the version that each run was recorded on, or live. */
    readonly against: {
      /** One that was served here: its sha256, or the first digits. */
      readonly version: string;
    } | {
      /** As POST /replays/modules answered. */
      readonly module_sha256: string;
    } | {
      /** On the version in service, with real effects and records of their own. */
      readonly live: true;
    };
    /** Runs at the same time. */
    readonly concurrency: number;
    readonly rate: number | null;
    readonly since: string | null;
    readonly until: string;
  };
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  /** With `failed` only. */
  readonly error: {
    readonly code: "REQUEST_INVALID" | "EVENT_INVALID" | "BODY_INVALID" | "CURSOR_INVALID" | "CANDIDATE_INVALID" | "UNAUTHORIZED" | "FORBIDDEN" | "ROUTE_NOT_FOUND" | "EVENT_NOT_FOUND" | "INVOCATION_NOT_FOUND" | "FUNCTION_NOT_FOUND" | "REPLAY_NOT_FOUND" | "DEAD_LETTER_NOT_FOUND" | "METHOD_NOT_ALLOWED" | "REQUEST_TIMEOUT" | "EVENT_TOO_LARGE" | "STATE_TOO_LARGE" | "STATE_KEY_INVALID" | "MEDIA_TYPE_UNSUPPORTED" | "RATE_LIMITED" | "HEADERS_TOO_LARGE" | "FUNCTION_FAILED" | "FUNCTION_TRAPPED" | "FUNCTION_TIMED_OUT" | "FUNCTION_OUT_OF_MEMORY" | "FUNCTION_OUTPUT_INVALID" | "FUNCTION_CANCELLED" | "EVENT_LOOP" | "FUNCTION_LIMIT" | "RECORDING_NOT_FOUND" | "RECORDING_INVALID" | "VERSION_NOT_FOUND" | "REPLAY_DIVERGED" | "CONFIG_INVALID" | "CONFIG_NOT_FOUND" | "MODULE_INVALID" | "DATA_DIR_UNUSABLE" | "DATA_DIR_LOCKED" | "PORT_UNAVAILABLE" | "NATS_UNSUPPORTED" | "NATS_SERVER_UNUSABLE" | "ARCHIVE_INVALID" | "LOG_NOT_EMPTY" | "IMPORT_UNFINISHED" | "NATS_UNREACHABLE" | "LOG_UNAVAILABLE" | "LOG_FULL" | "OVERLOADED" | "SHUTTING_DOWN" | "UNSUPPORTED" | "INTERNAL";
    readonly message: string;
  } | null;
  /** Runs chosen; null: not known yet. */
  readonly chosen: number | null;
  /** Runs of those that were made again, or skipped. */
  readonly done: number;
  readonly counts: {
    readonly newly_failing: number;
    readonly diverged: number;
    readonly changed: number;
    readonly newly_passing: number;
    readonly same: number;
    readonly skipped: number;
  };
  readonly report: ReplayReport;
};

export type VersionList = {
  readonly versions: readonly ({
    readonly version: string;
    readonly module_sha256: string;
    /** When it was served here first. */
    readonly kept_at: string;
  })[];
};

/** What is to be otherwise in a run that is made again. */
export type WhatIf = {
  /** Values at places of the event: `data.amount`, `subject`. */
  readonly set_data?: Readonly<Record<string, unknown>>;
  /** When the run begins: its clocks of real time go on from there as they did. */
  readonly set_clock?: string;
  /** Answers to calls that the host answered, by their number from 1. */
  readonly set_calls?: Readonly<Record<string, {
    /** `noent`, `timedout`: as WASI preview 1 has it. */
    readonly errno?: string;
    /** Of `fetch`. */
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
    /** Of `kv_get`. */
    readonly value?: unknown;
  }>>;
};

export type Trigger = {
  readonly kind: "event";
  readonly pattern: string;
} | {
  readonly kind: "http";
  readonly method: string;
  readonly path: string;
  readonly respond: boolean;
  readonly auth?: "required";
} | {
  readonly kind: "cron";
  readonly schedule: string;
  readonly timezone: string;
} | {
  readonly kind: "nats";
  readonly subject: string;
};

/** A function in service. */
export type Function = {
  readonly name: string;
  readonly version: string;
  readonly module_sha256: string;
  readonly module_bytes: number;
  /** Where the module came from. */
  readonly code: string;
  readonly deployed_at: string;
  readonly triggers: readonly Trigger[];
  readonly limits: {
    readonly timeout_ms: number;
    readonly memory_bytes: number;
    readonly output_bytes: number;
    readonly log_bytes: number;
    readonly log_lines: number;
    readonly emits: number;
    readonly host_calls: number;
    readonly cpu_ms: number | null;
    readonly table_elements: number;
    readonly stack_calls: number | null;
  };
  /** Names only: values may be secrets. */
  readonly env: readonly string[];
  readonly files: {
    /** What its scratch directory may hold; 0: it has none. */
    readonly scratch_bytes: number;
    readonly mounts: readonly ({
      readonly guest: string;
      /** Where the directory came from. */
      readonly host: string;
      readonly sha256: string;
      /** Directories and links included. */
      readonly files: number;
      readonly bytes: number;
    })[];
  };
  /** What it may ask of the host. */
  readonly grants: {
    readonly kv: boolean;
    readonly fetch: {
      /** Hosts that it may ask. */
      readonly allow: readonly string[];
      readonly allow_private: boolean;
      readonly timeout_ms: number;
      readonly max_response_bytes: number;
      readonly max_requests: number;
      readonly max_redirects: number;
    } | null;
    /** Names of those that it may read. */
    readonly secrets: readonly string[];
  };
  readonly concurrency: number;
  readonly order_by: string | null;
  readonly retry: {
    readonly attempts: number;
    readonly backoff_ms: number;
    readonly max_backoff_ms: number;
    readonly jitter: boolean;
  };
  readonly output: "answer" | "events";
  readonly start: "latest" | "earliest";
  /** Which runs are recorded: `full`, `failures`, `sample(10%)`, `off`. */
  readonly record: string;
  /** Paths that are replaced in recordings that are exported. */
  readonly redact: readonly string[];
  readonly counters: {
    /** Matching events not handed out yet: an upper bound. */
    readonly waiting: number;
    readonly running: number;
    readonly retrying: number;
    /** Age of the oldest delivery not settled. */
    readonly oldest_ms: number;
    /** By status, since this server started. */
    readonly invocations: Readonly<Record<string, number>>;
  };
};

export type FunctionList = {
  readonly functions: readonly Function[];
};

export type Health = {
  readonly status: "ok" | "unavailable";
  readonly version: string;
  readonly uptime_seconds: number;
  readonly log: {
    readonly driver: string;
    readonly connected: boolean;
    /** What an acknowledgement promises. */
    readonly durability: string;
    /** Position of the newest event. */
    readonly tail: number;
    readonly events: number;
    readonly invocations: number;
    readonly dead_letters: number;
    readonly bytes: number;
  };
  /** False with the embedded log, which needs no NATS. */
  readonly nats_connected: boolean;
};

export type Alive = {
  readonly status: "ok";
};

export type Readiness = {
  readonly ready: boolean;
  /** Why not; empty where ready. */
  readonly reasons: readonly string[];
  readonly durability: string;
};

export type Metric = {
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: readonly ({
    readonly labels: Readonly<Record<string, string>>;
    /** Null: nothing measured yet. */
    readonly value: number | null;
  })[];
} | {
  readonly type: "histogram";
  readonly help: string;
  readonly samples: readonly ({
    readonly labels: Readonly<Record<string, string>>;
    readonly count: number;
    readonly sum: number;
    readonly p50: number | null;
    readonly p90: number | null;
    readonly p99: number | null;
  })[];
};

export type Metrics = Readonly<Record<string, Metric>>;
