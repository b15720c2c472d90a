import { z } from "zod";
import { guestFault } from "./guest-path.ts";
import { parseDuration } from "../core/quantity.ts";
import { parseRecordPolicy, RECORD_POLICY_PATTERN } from "../core/record-policy.ts";
import { REDACT_PATH, redactPathFault } from "../core/redaction.ts";
import { WRONG_TOKENS_A_MINUTE } from "../core/settings.ts";
import { choice, count, duration, flag, section, size, text, wrong } from "./fields.ts";
import { grantsShape } from "./grants.ts";
import { natsSchema } from "./nats.ts";
import { onSchema } from "./triggers.ts";

/** What holds where neither a function nor `defaults` says anything, in the notation of the file. */
export const DEFAULTS = {
  runtime: "wasi-preview1",
  timeout: "30s",
  memory: "128Mi",
  concurrency: 16,
  retry: { attempts: 5, backoff: "1s", max_backoff: "5m", jitter: true },
  limits: {
    output: "1Mi",
    logs: "256Ki",
    log_lines: 1000,
    emits: 100,
    host_calls: 100_000_000,
    table: 1_000_000,
    module: "64Mi",
  },
  output: "answer",
  start: "latest",
  record: "full",
} as const;

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** The rule this function name breaks, in words that follow it; undefined for a good one. */
export function nameFault(name: string): string | undefined {
  if (NAME.test(name)) return undefined;
  const rule = "is not a function name: lower-case letters, digits and dashes inside, at most 63";
  const better = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, "");
  return better === "" ? rule : `${rule} (try "${better}")`;
}

const ORDER_BY = /^[^\s.]+(?:\.[^\s.]+)*$/;

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

function envFault(name: string, value: unknown): string | undefined {
  if (!ENV_NAME.test(name)) {
    return "is not a variable name: letters, digits and underscores, no digit in front";
  }
  if (name.startsWith("NEXUS_") || name === "TRACE_ID" || name === "TRACEPARENT") {
    return "is set by the platform itself (choose another name)";
  }
  if (typeof value === "number" || typeof value === "boolean") {
    return `${value} is not a text (quote it: "${value}")`;
  }
  if (typeof value !== "string") {
    return value === null
      ? 'an empty value is not a text (write "" for an empty text)'
      : `${Array.isArray(value) ? "a list" : "a mapping"} is not a text`;
  }
  return value.includes("\0") ? "a variable cannot hold a zero byte" : undefined;
}

const envSchema = z
  .record(z.string(), z.unknown(), {
    error: wrong("a mapping of names to texts", "{ LOG_LEVEL: info }"),
  })
  .superRefine((env, context) => {
    for (const [name, value] of Object.entries(env)) {
      const message = envFault(name, value);
      if (message !== undefined) context.addIssue({ code: "custom", path: [name], message });
    }
  })
  .meta({
    title: "Environment",
    description:
      "Environment variables, as texts. `NEXUS_*`, `TRACE_ID` and `TRACEPARENT` are the platform's. A function's variables are added to those of `defaults`.",
    examples: [{ LOG_LEVEL: "info" }],
    propertyNames: {
      pattern: "^(?!NEXUS_|TRACE_ID$|TRACEPARENT$)[A-Za-z_][A-Za-z0-9_]*$",
    },
    additionalProperties: { type: "string" },
  });

const retrySchema = section(
  {
    attempts: count(1, 100, {
      title: "Attempts",
      description: "Attempts in all, the first included; 1: no retry.",
      default: DEFAULTS.retry.attempts,
    }).optional(),
    backoff: duration("1ms", "24h", {
      title: "Backoff",
      description: "Wait before the second attempt; doubles with each further one.",
      default: DEFAULTS.retry.backoff,
    }).optional(),
    max_backoff: duration("1ms", "24h", {
      title: "Longest backoff",
      description: "No wait is longer, but for `backoff` itself.",
      default: DEFAULTS.retry.max_backoff,
    }).optional(),
    jitter: flag({
      title: "Jitter",
      description: "A random wait between half of the computed one and all of it.",
      default: DEFAULTS.retry.jitter,
    }).optional(),
  },
  "{ attempts: 5 }",
)
  .superRefine(({ backoff, max_backoff }, context) => {
    if (backoff === undefined || max_backoff === undefined) return;
    if (parseDuration(max_backoff)! < parseDuration(backoff)!) {
      const message = `"${max_backoff}" is shorter than backoff, "${backoff}"`;
      context.addIssue({ code: "custom", path: ["max_backoff"], message });
    }
  })
  .meta({
    title: "Retry",
    description: "What happens after a failure. What is used up becomes a dead letter.",
    examples: [{ attempts: 5, backoff: "1s", max_backoff: "5m", jitter: true }],
  });

const limitsSchema = section(
  {
    output: size("0", "64Mi", {
      title: "Output",
      description: "Of stdout; what is over is cut, and the record says so.",
      default: DEFAULTS.limits.output,
    }).optional(),
    logs: size("0", "16Mi", {
      title: "Logs",
      description:
        "Of all log lines (stderr) together; what is over is dropped, and the record says so.",
      default: DEFAULTS.limits.logs,
    }).optional(),
    log_lines: count(0, 100_000, {
      title: "Log lines",
      description: "Log lines kept of one invocation.",
      default: DEFAULTS.limits.log_lines,
    }).optional(),
    emits: count(0, 10_000, {
      title: "Emitted events",
      description: "Events one invocation may emit.",
      default: DEFAULTS.limits.emits,
    }).optional(),
    cpu: duration("1ms", "15m", {
      title: "Processor time",
      description:
        "Longest processor time of one invocation, on Linux; without it, as much as the timeout lets it use.",
      examples: ["500ms"],
    }).optional(),
    host_calls: count(1, 2_000_000_000, {
      title: "Host calls",
      description: "Calls of the platform's functions (WASI and its own) one invocation may make.",
      default: DEFAULTS.limits.host_calls,
    }).optional(),
    table: count(0, 10_000_000, {
      title: "Table elements",
      description: "Elements of all the module's tables together, grown ones included.",
      default: DEFAULTS.limits.table,
    }).optional(),
    stack: count(1, 100_000, {
      title: "Stack depth",
      description:
        "Recursive calls that may be under way at a time in one invocation; without it, as many as V8's stack holds.",
      examples: [1000],
    }).optional(),
    module: size("1Ki", "256Mi", {
      title: "Module",
      description: "Largest module; a larger one is refused when it is deployed.",
      default: DEFAULTS.limits.module,
    }).optional(),
  },
  '{ output: "1Mi" }',
).meta({ title: "Limits", description: "What one invocation may use beside time and memory." });

const settings = {
  runtime: choice(["wasi-preview1"], {
    title: "Runtime",
    description: "What the module is made for.",
    default: DEFAULTS.runtime,
  }).optional(),
  timeout: duration("1ms", "15m", {
    title: "Timeout",
    description: "Longest run of one invocation.",
    default: DEFAULTS.timeout,
    examples: ["5s", "500ms", "1m30s"],
  }).optional(),
  memory: size("64Ki", "4Gi", {
    title: "Memory",
    description: "Largest linear memory of one invocation.",
    default: DEFAULTS.memory,
    examples: ["64Mi", "1Gi"],
  }).optional(),
  env: envSchema.optional(),
  concurrency: count(1, 1024, {
    title: "Concurrency",
    description: "Invocations of this function at the same time.",
    default: DEFAULTS.concurrency,
  }).optional(),
  order_by: text("a path into the event", "data.user_id", (path) =>
    ORDER_BY.test(path)
      ? undefined
      : 'is not a path into the event: names with a dot between them (try "data.user_id")',
  )
    .meta({
      title: "Order by",
      description:
        "A path into the event (`subject`, `data.user_id`): events with the same value there run one by one in order of acceptance, retries included. Requests that are answered (`respond: true`) do not wait.",
      examples: ["subject", "data.user_id"],
      pattern: ORDER_BY.source,
    })
    .optional(),
  retry: retrySchema.optional(),
  output: choice(["answer", "events"], {
    title: "Output",
    description:
      "What stdout is. `answer`: the answer, kept in the record. `events`: one CloudEvent, a JSON array of them, or one per line; appended when the invocation succeeds.",
    default: DEFAULTS.output,
  }).optional(),
  start: choice(["latest", "earliest"], {
    title: "Start",
    description:
      "Where a function new to the log begins: at the events accepted from now on, or at the first one kept.",
    default: DEFAULTS.start,
  }).optional(),
  limits: limitsSchema.optional(),
  scratch: size("0", "1Gi", {
    title: "Scratch directory",
    description:
      "Size of a directory in memory that the function may write to, at `/tmp`: empty at the beginning of each invocation, gone at its end. Without it, or with 0, there is none.",
    examples: ["16Mi"],
  }).optional(),
  record: text("a policy", "failures", (policy) =>
    parseRecordPolicy(policy) === undefined
      ? 'is none of full, failures, sample(…%) and off (try "failures" or "sample(10%)")'
      : undefined,
  )
    .meta({
      title: "Record",
      description:
        "Which runs are kept as recordings, to be run again bit for bit: `full`, all; `failures`, those that did not succeed; `sample(10%)`, those of so many of a hundred events, with all their attempts; `off`, none.",
      default: DEFAULTS.record,
      examples: ["failures", "sample(10%)"],
      pattern: RECORD_POLICY_PATTERN,
    })
    .optional(),
  redact: z
    .array(
      text("a path into the event", "data.card.number", redactPathFault).meta({
        pattern: REDACT_PATH.source,
      }),
      { error: wrong("a list of paths into the event", "[data.card.number]") },
    )
    .meta({
      title: "Redact",
      description:
        "Paths into the event (`data.card.number`, `data.items[*].secret`) and into JSON output (`output.token`). What is there is replaced in recordings that are exported, and in fixtures; the log keeps the event as it came. `fetch.headers.set-cookie` and `fetch.body.token` lead into answers of `fetch`, and are replaced before the recording is kept. A function's paths are added to those of `defaults`.",
      examples: [["data.card.number", "data.items[*].secret"]],
    })
    .optional(),
};

const mountSchema = section(
  {
    host: text("a path", "./data", (path) =>
      path === "" || path.includes("\0") ? 'is not a path (try "./data")' : undefined,
    ).meta({
      title: "Host",
      description: "A directory, relative to this file. Read when the function is deployed.",
      examples: ["./data"],
      minLength: 1,
    }),
    guest: text("an absolute path", "/data", guestFault).meta({
      title: "Guest",
      description: "Where the function sees it: an absolute path.",
      examples: ["/data"],
      pattern: "^/",
    }),
  },
  "{ host: ./data, guest: /data }",
);

const mountsSchema = z
  .array(mountSchema, { error: wrong("a list of mounts", "- { host: ./data, guest: /data }") })
  .meta({
    title: "Mounts",
    description:
      "Directories that the function sees, read only, as they were when it was deployed. Their content is part of the function's version.",
    examples: [[{ host: "./data", guest: "/data" }]],
  });

/** `<name>.yaml` beside a module in the functions directory. */
export const sidecarSchema = section(
  { on: onSchema.optional(), ...settings, ...grantsShape, mounts: mountsSchema.optional() },
  "{ timeout: 5s }",
);

/** An entry of `functions:`. */
export const functionSchema = section(
  {
    name: text("a function name", "hello", nameFault).meta({
      title: "Name",
      description: "Lower-case letters, digits and dashes, at most 63; unique.",
      examples: ["user-welcome"],
      pattern: NAME.source,
    }),
    on: onSchema,
    code: text("a path", "./build/hello.wasm", (path) =>
      path === "" || path.includes("\0") ? 'is not a path (try "./build/hello.wasm")' : undefined,
    ).meta({
      title: "Code",
      description: "The WebAssembly module, relative to this file.",
      examples: ["./build/welcome.wasm"],
      minLength: 1,
    }),
    ...settings,
    ...grantsShape,
    mounts: mountsSchema.optional(),
  },
  '{ name: hello, on: { event: "com.example.*" }, code: ./build/hello.wasm }',
).meta({ title: "Function", description: "A module, what makes it run, and what it may use." });

const keepSchema = (what: string) =>
  section(
    {
      max_age: duration("1s", "36500d", {
        title: "Longest age",
        description: `How long ${what} are kept; without it, for ever.`,
        examples: ["30d"],
      }).optional(),
      max_size: size("1Mi", "1024Ti", {
        title: "Largest size",
        description: `How much room all ${what} together may take; without it, as much as there is.`,
        examples: ["10Gi"],
      }).optional(),
    },
    '{ max_age: "30d" }',
  ).meta({
    title: `Retention of ${what}`,
    description: "Whichever is reached first; the oldest go first.",
    examples: [{ max_age: "30d", max_size: "10Gi" }],
  });

const platform = {
  version: choice(["v1"], { title: "Version", description: "Of this file's format." }),
  defaults: section(settings, "{ timeout: 5s }")
    .meta({
      title: "Defaults",
      description:
        "Settings for every function that does not say otherwise. `env`, `retry` and `limits` are combined key by key.",
      examples: [{ timeout: "5s", env: { LOG_LEVEL: "info" } }],
    })
    .optional(),
  limits: section(
    {
      event: size("1Ki", "64Mi", {
        title: "Event",
        description: "Largest event accepted.",
        default: "1Mi",
      }).optional(),
      chain_depth: count(1, 1000, {
        title: "Chain depth",
        description:
          "Longest chain of emitted events: what stops functions that trigger each other in a circle.",
        default: 16,
      }).optional(),
    },
    '{ event: "1Mi" }',
  )
    .meta({ title: "Platform limits", description: "What the platform as a whole accepts." })
    .optional(),
  rate_limit: section(
    {
      requests: count(1, 1_000_000, {
        title: "Requests",
        description:
          "Requests a second of one client, in the long run: of one API token, or of one address where there is none. Without it there is no limit.",
        examples: [100],
      }).optional(),
      burst: count(1, 10_000_000, {
        title: "Burst",
        description: "How many may come at once after a pause; without it, twice `requests`.",
        examples: [200],
      }).optional(),
      wrong_tokens: count(0, 1_000_000, {
        title: "Wrong tokens",
        description:
          "Wrong API tokens a minute that one address may send before it is refused; 0: no limit.",
        default: WRONG_TOKENS_A_MINUTE,
      }).optional(),
    },
    "{ requests: 100 }",
  )
    .superRefine(({ requests, burst }, context) => {
      if (burst === undefined || requests !== undefined) return;
      const message = `${burst} is of no use without "requests"`;
      context.addIssue({ code: "custom", path: ["burst"], message });
    })
    .meta({
      title: "Rate limits",
      description: "How often clients may ask. Each node counts by itself.",
      examples: [{ requests: 100, burst: 200 }],
    })
    .optional(),
  retention: section(
    {
      events: keepSchema("events").optional(),
      invocations: keepSchema("invocation records").optional(),
    },
    '{ events: { max_age: "30d" } }',
  )
    .meta({
      title: "Retention",
      description:
        "How much of the past is kept. An event that a delivery or a dead letter still needs stays.",
    })
    .optional(),
  replay: section(
    {
      verify: text("a duration", "10s", (value) => {
        if (value === "off") return undefined;
        const ms = parseDuration(value);
        if (ms === undefined) return 'is not a duration, or "off" (try "10s")';
        return ms < 1_000 || ms > 86_400_000 ? "is not between 1s and 24h" : undefined;
      })
        .meta({
          title: "Verify",
          description:
            "How often one recorded run is made again while no function runs, to see that it goes the same way; `off`: never. What went another way is an event of type `nexus.replay.diverged`.",
          default: "10s",
          examples: ["1m", "off"],
          pattern: "^(?:off|(?:\\d+(?:\\.\\d+)?(?:ms|s|m|h|d))+)$",
        })
        .optional(),
    },
    "{ verify: 10s }",
  )
    .meta({ title: "Replay", description: "What the platform does with recordings by itself." })
    .optional(),
  nats: natsSchema.optional(),
};

const functionsError = wrong("a list of functions", "- name: hello");

/** All but the functions themselves: each is checked by itself, so that one fault hides no other. */
export const outerSchema = section(
  { ...platform, functions: z.array(z.unknown(), { error: functionsError }).optional() },
  "version: v1",
);

/** The whole of nexus.yaml. */
export const configSchema = section(
  {
    ...platform,
    functions: z
      .array(functionSchema, { error: functionsError })
      .meta({
        title: "Functions",
        description: "The functions, each with its triggers and settings.",
      })
      .optional(),
  },
  "version: v1",
).meta({
  title: "nexus.yaml",
  description: "Functions and platform settings of Nexus Functions.",
});

export type OuterConfig = z.infer<typeof outerSchema>;
export type FunctionConfig = z.infer<typeof functionSchema>;
export type SidecarConfig = z.infer<typeof sidecarSchema>;
export type DefaultsConfig = NonNullable<OuterConfig["defaults"]>;

/** The JSON schema of nexus.yaml for editors: draft 7, the one that YAML editors know. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(configSchema, { target: "draft-7", io: "input" });
}
