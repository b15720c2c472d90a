import { z } from "zod";
import { ERRORS, type ErrorCode } from "../core/errors.ts";
import { INVOCATION_STATUSES, LIMIT_NAMES, LOG_LEVELS } from "../core/invocation.ts";
import { ASPECTS, NOT_HERMETIC } from "../core/recording.ts";
import {
  NewReplay,
  Replay,
  ReplayList,
  ReplayModule,
  ReplayPreview,
  ReplayReport,
  ReplayWithReport,
  VersionList,
} from "./replay-schemas.ts";

// What the API answers, as schemas: openapi.json is made of them, and tests hold real answers against
// them. Objects are strict, so that a member nobody wrote down is found.

const code = z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]);
const time = z.iso.datetime({ offset: true });
const whole = z.int().nonnegative();
const nextCursor = z.string().optional().describe("Absent on the last page.");

const Problem = z
  .strictObject({
    type: z.string().describe("A reference to the code's part of `GET /errors`."),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe("What was wrong with this one request."),
    code: code.describe("Stable: a code never changes its meaning."),
    trace_id: z.string(),
  })
  .describe("An error (RFC 9457).");

const CloudEvent = z
  .looseObject({
    specversion: z.literal("1.0"),
    id: z.string().min(1),
    source: z.string().min(1).meta({ format: "uri-reference" }),
    type: z.string().min(1),
    time: z.string().meta({ format: "date-time" }).optional(),
    subject: z.string().nullish(),
    datacontenttype: z.string().nullish(),
    dataschema: z.string().nullish(),
    data: z.unknown().optional(),
    data_base64: z.string().nullish(),
  })
  .describe(
    "An event in the JSON event format of CloudEvents 1.0. Extension attributes are further members: lower-case letters and digits.",
  );

const TrapFrame = z.strictObject({
  function: z.string().describe("Its name, where the module has names; else `function 12`."),
  index: whole,
  offset: whole.describe("Bytes from the module's beginning."),
  file: z
    .string()
    .optional()
    .describe("Where the module has DWARF line tables or a source map; `line` and `column` too."),
  line: whole.optional(),
  column: whole.optional(),
});

const InvocationError = z.strictObject({
  code,
  message: z.string(),
  trap: z
    .strictObject({
      reason: z.string(),
      frames: z.array(TrapFrame).describe("The functions under way, the innermost first."),
      host_calls: z
        .array(z.string())
        .optional()
        .describe("The last calls to the host, the last one last."),
    })
    .optional()
    .describe("Where the module itself gave up: why, and on which way."),
});

const Invocation = z
  .strictObject({
    id: z.string(),
    event_id: z.string(),
    event_source: z.string(),
    event_type: z.string(),
    position: whole,
    function: z.string(),
    version: z.string().describe("sha256 of module and settings."),
    attempt: z.int().positive(),
    trigger: z.enum(["event", "http", "cron", "nats", "replay"]),
    status: z.enum(INVOCATION_STATUSES),
    exit_code: z.int().nullable(),
    error: InvocationError.nullable(),
    output: z.string().describe("What the function wrote to stdout, cut at its limit."),
    output_encoding: z.enum(["utf-8", "base64"]),
    output_bytes: whole.describe("Bytes written, those cut off included."),
    output_truncated: z.boolean(),
    logs: z.array(
      z.strictObject({
        time,
        text: z.string(),
        level: z.enum(LOG_LEVELS).optional().describe("Absent: written to stderr."),
      }),
    ),
    logs_truncated: z.boolean(),
    limits_reached: z
      .array(z.enum(LIMIT_NAMES))
      .describe("Limits the run reached, whether that ended it or not."),
    emitted: z.array(z.string()).describe("Ids of the events this invocation emitted."),
    started_at: time,
    duration_ms: z.number().nonnegative(),
    memory_peak_bytes: whole,
    cold: z.boolean(),
    trace_id: z.string(),
    delivery: z
      .enum(["done", "retry", "dead", "none"])
      .describe(
        "What became of the delivery after this attempt; `none`: a replay has no delivery.",
      ),
    retry_at: time.nullable(),
  })
  .describe("The record of one execution of one version on one event.");

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const RunHashes = z.strictObject({
  output: sha256.describe("Of the bytes of stdout, up to the limit."),
  logs: sha256.describe("Of the log's lines, without their times."),
  effects: sha256.describe("Of the events it emitted, as it gave them."),
});

const runFields = Invocation.pick({
  status: true,
  exit_code: true,
  error: true,
  output: true,
  output_encoding: true,
  output_bytes: true,
  output_truncated: true,
  logs: true,
  logs_truncated: true,
  limits_reached: true,
  started_at: true,
  duration_ms: true,
  memory_peak_bytes: true,
  cold: true,
});

const Rerun = z
  .strictObject({
    recorded: Invocation,
    version: z.string().describe("The version that ran now."),
    not_hermetic: z
      .array(z.enum(NOT_HERMETIC))
      .describe(
        "Why the run need not go the same way again: `tape_full`, it was given more than is kept; `stopped`, the host ended it; `stack`, it came to the end of the machine's stack; `memory`, the machine had none; `redacted`, parts of the event were replaced. Empty: it must.",
      ),
    identical: z.boolean(),
    differs: z
      .array(z.enum(ASPECTS))
      .describe("What is not as it was; `recording`: the run asked for what it was not given."),
    hashes: z.strictObject({ recorded: RunHashes, replayed: RunHashes }),
    replayed: runFields,
  })
  .describe("A recorded run, and what came of it when it was run again without effects.");

const WhatIf = z
  .strictObject({
    set_data: z
      .record(z.string().min(1), z.unknown())
      .optional()
      .describe("Values at places of the event: `data.amount`, `subject`."),
    set_clock: time
      .optional()
      .describe("When the run begins: its clocks of real time go on from there as they did."),
    set_calls: z
      .record(
        z.string().regex(/^[1-9]\d{0,5}$/),
        z.strictObject({
          errno: z.string().optional().describe("`noent`, `timedout`: as WASI preview 1 has it."),
          status: z.int().min(100).max(999).optional().describe("Of `fetch`."),
          headers: z.record(z.string(), z.string()).optional(),
          body: z.unknown().optional(),
          value: z.unknown().optional().describe("Of `kv_get`."),
        }),
      )
      .optional()
      .describe("Answers to calls that the host answered, by their number from 1."),
  })
  .describe("What is to be otherwise in a run that is made again.");

const Accepted = z
  .strictObject({
    event_id: z.string(),
    type: z.string(),
    status: z.enum(["accepted", "duplicate"]),
    position: z.int().positive().describe("Order of acceptance; a duplicate has the first one's."),
    trace_id: z.string(),
    invocations: z
      .array(Invocation)
      .optional()
      .describe(
        "With `?wait=` only: every attempt so far, oldest first. Of a duplicate only where the token may read.",
      ),
  })
  .describe("The event is durable.");

const DeadLetter = z
  .strictObject({
    id: z.string(),
    event_id: z.string(),
    event_source: z.string(),
    event_type: z.string(),
    position: whole,
    function: z.string(),
    attempts: z.int().positive(),
    error: InvocationError,
    invocation_id: z.string().describe("The last attempt's record."),
    dead_at: time,
  })
  .describe("A delivery that used up its attempts.");

const Trigger = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("event"), pattern: z.string() }),
  z.strictObject({
    kind: z.literal("http"),
    method: z.string(),
    path: z.string(),
    respond: z.boolean(),
    auth: z.literal("required").optional(),
  }),
  z.strictObject({ kind: z.literal("cron"), schedule: z.string(), timezone: z.string() }),
  z.strictObject({ kind: z.literal("nats"), subject: z.string() }),
]);

const FunctionInfo = z
  .strictObject({
    name: z.string(),
    version: z.string(),
    module_sha256: z.string(),
    module_bytes: whole,
    code: z.string().describe("Where the module came from."),
    deployed_at: time,
    triggers: z.array(Trigger),
    limits: z.strictObject({
      timeout_ms: whole,
      memory_bytes: whole,
      output_bytes: whole,
      log_bytes: whole,
      log_lines: whole,
      emits: whole,
      host_calls: whole,
      cpu_ms: whole.nullable(),
      table_elements: whole,
      stack_calls: whole.nullable(),
    }),
    env: z.array(z.string()).describe("Names only: values may be secrets."),
    files: z.strictObject({
      scratch_bytes: whole.describe("What its scratch directory may hold; 0: it has none."),
      mounts: z.array(
        z.strictObject({
          guest: z.string(),
          host: z.string().describe("Where the directory came from."),
          sha256: z.string(),
          files: whole.describe("Directories and links included."),
          bytes: whole,
        }),
      ),
    }),
    grants: z
      .strictObject({
        kv: z.boolean(),
        fetch: z
          .strictObject({
            allow: z.array(z.string()).describe("Hosts that it may ask."),
            allow_private: z.boolean(),
            timeout_ms: whole,
            max_response_bytes: whole,
            max_requests: whole,
            max_redirects: whole,
          })
          .nullable(),
        secrets: z.array(z.string()).describe("Names of those that it may read."),
      })
      .describe("What it may ask of the host."),
    concurrency: z.int().positive(),
    order_by: z.string().nullable(),
    retry: z.strictObject({
      attempts: z.int().positive(),
      backoff_ms: whole,
      max_backoff_ms: whole,
      jitter: z.boolean(),
    }),
    output: z.enum(["answer", "events"]),
    start: z.enum(["latest", "earliest"]),
    record: z
      .string()
      .describe("Which runs are recorded: `full`, `failures`, `sample(10%)`, `off`."),
    redact: z
      .array(z.string())
      .describe("Paths that are replaced in recordings that are exported."),
    counters: z.strictObject({
      waiting: whole.describe("Matching events not handed out yet: an upper bound."),
      running: whole,
      retrying: whole,
      oldest_ms: z.number().nonnegative().describe("Age of the oldest delivery not settled."),
      invocations: z.record(z.string(), whole).describe("By status, since this server started."),
    }),
  })
  .describe("A function in service.");

const Health = z.strictObject({
  status: z.enum(["ok", "unavailable"]),
  version: z.string(),
  uptime_seconds: z.number().nonnegative(),
  log: z.strictObject({
    driver: z.string(),
    connected: z.boolean(),
    durability: z.string().describe("What an acknowledgement promises."),
    tail: whole.describe("Position of the newest event."),
    events: whole,
    invocations: whole,
    dead_letters: whole,
    bytes: whole,
  }),
  nats_connected: z.boolean().describe("False with the embedded log, which needs no NATS."),
});

const sample = { labels: z.record(z.string(), z.string()) };
const quantile = z.number().nullable();
const Metric = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.enum(["counter", "gauge"]),
    help: z.string(),
    samples: z.array(
      z.strictObject({
        ...sample,
        value: z.number().nullable().describe("Null: nothing measured yet."),
      }),
    ),
  }),
  z.strictObject({
    type: z.literal("histogram"),
    help: z.string(),
    samples: z.array(
      z.strictObject({
        ...sample,
        count: whole,
        sum: z.number(),
        p50: quantile,
        p90: quantile,
        p99: quantile,
      }),
    ),
  }),
]);

const AcceptedBatch = z.strictObject({ events: z.array(Accepted) });

/** Every schema by its name in openapi.json. */
export const schemas = {
  Problem,
  CloudEvent,
  CloudEvents: z.array(CloudEvent),
  Accepted,
  AcceptedBatch,
  AcceptedAny: z.union([Accepted, AcceptedBatch]),
  EventPage: z.strictObject({ events: z.array(CloudEvent), next_cursor: nextCursor }),
  Invocation,
  InvocationError,
  InvocationPage: z.strictObject({ invocations: z.array(Invocation), next_cursor: nextCursor }),
  InvocationList: z.strictObject({ invocations: z.array(Invocation) }),
  Rerun,
  Replayed: z.strictObject({ event_id: z.string(), invocations: z.array(Invocation) }),
  DeadLetter,
  DeadLetterPage: z.strictObject({ dead_letters: z.array(DeadLetter), next_cursor: nextCursor }),
  RedriveFilter: z.strictObject({
    function: z.string().optional(),
    type: z.string().optional().describe("A pattern."),
    limit: z.int().positive().optional().describe("At most so many; all where absent."),
  }),
  Redriven: z.strictObject({ redriven: whole }),
  NewReplay,
  Replay,
  ReplayList,
  ReplayModule,
  ReplayPreview,
  ReplayReport,
  ReplayWithReport,
  VersionList,
  WhatIf,
  Trigger,
  Function: FunctionInfo,
  FunctionList: z.strictObject({ functions: z.array(FunctionInfo) }),
  Health,
  Alive: z.strictObject({ status: z.literal("ok") }),
  Readiness: z.strictObject({
    ready: z.boolean(),
    reasons: z.array(z.string()).describe("Why not; empty where ready."),
    durability: z.string(),
  }),
  Metric,
  Metrics: z.record(z.string(), Metric),
} as const;

export type SchemaName = keyof typeof schemas;
