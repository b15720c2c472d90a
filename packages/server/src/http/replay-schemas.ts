import { z } from "zod";
import { ERRORS, type ErrorCode } from "../core/errors.ts";
import { INVOCATION_STATUSES } from "../core/invocation.ts";
import { NOT_HERMETIC } from "../core/recording.ts";
import {
  MOST_REPLAY_CONCURRENCY,
  MOST_REPLAY_EVENT_IDS,
  MOST_REPLAY_RATE,
  REPLAY_LIMIT,
  REPLAY_STATES,
  type ReplayJob,
  type ReplayPreview as Preview,
} from "../core/replay-job.ts";
import { CHANGE_ASPECTS, CHANGE_KINDS } from "../replay/changes.ts";
import { VERDICTS } from "../replay/compare.ts";
import { DIFF_PARTS } from "../replay/example-diff.ts";
import type { ReplayReport as Report } from "../replay/report.ts";
import { SKIP_REASONS } from "../replay/run-facts.ts";

const code = z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]);
const time = z.iso.datetime({ offset: true });
const whole = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const Against = z
  .union([
    z.strictObject({
      version: z.string().describe("One that was served here: its sha256, or the first digits."),
    }),
    z.strictObject({
      module_sha256: sha256.describe("As POST /replays/modules answered."),
    }),
    z.strictObject({
      live: z
        .literal(true)
        .describe("On the version in service, with real effects and records of their own."),
    }),
  ])
  .describe(
    "What the runs are made again on: a version, a module with the settings of the version that each run was recorded on, or live.",
  );

const filters = {
  function: z.string().min(1),
  type: z.string().min(1).describe("A pattern."),
  status: z.enum(INVOCATION_STATUSES).describe("Of the recorded run."),
  event_ids: z.array(z.string().min(1)).min(1).max(MOST_REPLAY_EVENT_IDS),
  sample: z.number().positive().max(1).describe("The share of them; the same runs each time."),
  limit: z.int().positive().max(REPLAY_LIMIT.most).describe("So many at most, the newest."),
  against: Against,
  concurrency: z.int().positive().max(MOST_REPLAY_CONCURRENCY).describe("Runs at the same time."),
  rate: z.number().positive().max(MOST_REPLAY_RATE).describe("Runs a second at most."),
};

/** What POST /replays takes. */
export const NewReplay = z.strictObject({
  function: filters.function,
  since: z
    .string()
    .optional()
    .describe("Runs started at or after: a timestamp (RFC 3339) or an age such as `24h`."),
  until: z.string().optional().describe("Runs started before, in the same words; now if absent."),
  type: filters.type.optional(),
  status: filters.status.optional(),
  event_ids: filters.event_ids.optional(),
  sample: filters.sample.optional().describe("The share of them; all if absent."),
  limit: filters.limit
    .optional()
    .describe(`So many at most, the newest; ${REPLAY_LIMIT.usual} if absent.`),
  against: filters.against,
  concurrency: filters.concurrency.optional().describe("Runs at the same time; 1 if absent."),
  rate: filters.rate.optional().describe("Runs a second at most; as fast as it goes if absent."),
});

const Request = z.strictObject({
  ...filters,
  since: time.nullable(),
  until: time,
  type: filters.type.nullable(),
  status: filters.status.nullable(),
  event_ids: filters.event_ids.nullable(),
  rate: filters.rate.nullable(),
});

const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, whole])) as Record<
  (typeof VERDICTS)[number],
  typeof whole
>;

const jobFields = {
  id: z.string(),
  state: z
    .enum(REPLAY_STATES)
    .describe("`queued` and `running` go on after a restart; the others are the end."),
  request: Request,
  created_at: time,
  started_at: time.nullable(),
  ended_at: time.nullable(),
  error: z.strictObject({ code, message: z.string() }).nullable().describe("With `failed` only."),
  chosen: whole.nullable().describe("Runs chosen; null: not known yet."),
  done: whole.describe("Runs of those that were made again, or skipped."),
  counts: z.strictObject({ ...counts, skipped: whole }),
};

export const Replay = z
  .strictObject(jobFields)
  .describe("Past runs made again on a candidate, without effects.") satisfies z.ZodType<ReplayJob>;

const name = {
  invocation_id: z.string(),
  event_id: z.string(),
  event_type: z.string(),
  function: z.string(),
  position: whole,
};

const amount = z.number();
const quantiles = z.strictObject({
  p50: amount.nullable(),
  p95: amount.nullable(),
  max: amount.nullable(),
});
const taken = z.array(
  z.strictObject({
    ...name,
    recorded: amount,
    candidate: amount,
    difference: amount,
    ratio: amount.nullable(),
  }),
);

const measure = z.strictObject({
  unit: z.enum(["ms", "bytes"]),
  recorded: quantiles,
  candidate: quantiles,
  highest: taken.describe("The five runs that took most now."),
  more: whole.describe("Runs that took more, beyond noise."),
  less: whole,
  largest_changes: taken,
  noise: z.strictObject({ least: amount, ratio: amount }),
  left_out: z.strictObject({
    cold: whole.describe("Runs left out: a module was compiled for one of the two."),
    ended_otherwise: whole.describe("Runs left out: one of the two broke off."),
  }),
});

const group = z.strictObject({
  id: z.string(),
  function: z.string(),
  verdict: z.enum(VERDICTS).exclude(["same"]),
  count: whole,
  changes: z.array(
    z.strictObject({
      aspect: z.enum(CHANGE_ASPECTS),
      change: z.enum(CHANGE_KINDS),
      what: z.string().describe("A JSON path, a line's pattern, an effect's kind and target."),
    }),
  ),
  more_changes: z.boolean(),
  mixed: z.boolean().describe("Whether its runs differ in the same aspects only."),
  examples: z.array(
    z.strictObject({
      ...name,
      diff: z.array(z.strictObject({ part: z.enum(DIFF_PARTS), lines: z.array(z.string()) })),
    }),
  ),
});

export const ReplayReport = z
  .strictObject({
    compared: whole,
    counts: z.strictObject(counts),
    skipped: z.array(
      z.strictObject({
        reason: z.enum(SKIP_REASONS),
        because: z.array(z.enum(NOT_HERMETIC)),
        count: whole,
        invocation_ids: z.array(z.string()).describe("The first three."),
      }),
    ),
    groups: z.array(group).describe("Runs that differ in the same way, the largest group first."),
    duration: measure,
    memory: measure,
  })
  .describe("What came of the runs made so far.") satisfies z.ZodType<Report>;

export const ReplayWithReport = z.strictObject({ ...jobFields, report: ReplayReport });

export const ReplayList = z.strictObject({ replays: z.array(Replay) });

export const VersionList = z.strictObject({
  versions: z.array(
    z.strictObject({
      version: sha256,
      module_sha256: sha256,
      kept_at: time.describe("When it was served here first."),
    }),
  ),
});

export const ReplayModule = z.strictObject({ module_sha256: sha256 });

export const ReplayPreview = z
  .strictObject({
    chosen: whole.describe("Runs."),
    effects: z
      .array(z.strictObject({ kind: z.string(), count: whole }))
      .describe("What they did to the world when they were recorded, the most frequent first."),
  })
  .describe("What a replay would choose.") satisfies z.ZodType<Preview>;
