import type { Change } from "@nexus-functions/server/replay/changes";
import type { Verdict } from "@nexus-functions/server/replay/compare";
import type { DiffPart } from "@nexus-functions/server/replay/example-diff";
import type {
  Measure,
  Quantiles,
  ReplayReport,
  Skipped,
  Taken,
} from "@nexus-functions/server/replay/report";
import { counted } from "../text.ts";
import { formatBytes, formatDuration } from "../units.ts";

// The words in which a report is told, on a terminal and on a page.

/** What a report is of: which runs, on which candidate. */
export interface Heading {
  readonly title: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
}

export const VERDICT_WORDS = {
  newly_failing: "newly failing",
  diverged: "diverged",
  changed: "changed",
  newly_passing: "newly passing",
  same: "same",
} as const satisfies Record<Verdict, string>;

export const VERDICT_MEANINGS = {
  newly_failing: "succeeded when it was recorded, and fails now",
  diverged:
    "asked the host for what its recording does not have: nobody knows what it would have done then",
  changed: "ends as it did, with other output, logs or effects",
  newly_passing: "failed when it was recorded, and succeeds now",
  same: "the same output, logs and effects, byte for byte",
} as const satisfies Record<Verdict, string>;

export const ASPECT_WORDS = {
  status: "status",
  exit_code: "exit code",
  error: "error",
  output: "output",
  log: "log",
  effect: "effect",
} as const satisfies Record<Change["aspect"], string>;

export const CHANGE_SIGNS = {
  added: "+",
  removed: "-",
  changed: "~",
  reordered: "↕",
  formatting: "≈",
} as const satisfies Record<Change["change"], string>;

/** What stands behind the thing that changed; the signs say the rest. */
const CHANGE_NOTES = {
  added: "",
  removed: "",
  changed: "",
  reordered: " in another order",
  formatting: ", formatting only",
} as const satisfies Record<Change["change"], string>;

export function changeText({ change, what }: Change): string {
  return `${what}${CHANGE_NOTES[change]}`;
}

export const PART_WORDS = {
  outcome: "how it ended",
  output: "output",
  logs: "logs",
  effects: "effects",
} as const satisfies Record<DiffPart, string>;

/** `6 of 1,204 runs differ`, `All 1,204 runs are the same`, `No runs were compared`. */
export function verdictSentence({ compared, counts }: ReplayReport): string {
  if (compared === 0) return "No runs were compared";
  if (counts.same === compared)
    return compared === 1 ? "The run is the same" : `All ${counted(compared, "run")} are the same`;
  const differing = compared - counts.same;
  return `${differing.toLocaleString("en-US")} of ${counted(compared, "run")} ${differing === 1 ? "differs" : "differ"}`;
}

export function skippedText({ reason, because }: Skipped): string {
  const why = because.map((one) => NOT_HERMETIC_WORDS[one]).join("; ");
  return why === "" ? SKIP_WORDS[reason] : `${SKIP_WORDS[reason]}: ${why}`;
}

const SKIP_WORDS = {
  no_recording: "no recording was kept",
  not_hermetic: "not hermetic",
  recording_invalid: "the recording cannot be read",
  event_gone: "the event is no longer kept",
  version_gone: "the version is no longer kept",
} as const satisfies Record<Skipped["reason"], string>;

const NOT_HERMETIC_WORDS = {
  tape_full: "it was given more than is recorded",
  stopped: "the host ended it (a timeout, a cancellation)",
  stack: "it came to the end of the machine's stack",
  memory: "the machine had no memory for it",
  redacted: "parts of its event were replaced",
} as const satisfies Record<Skipped["because"][number], string>;

export function amount(value: number, unit: Measure["unit"]): string {
  return unit === "ms" ? formatDuration(value) : formatBytes(Math.round(value));
}

/** `+30 ms (4×)`, `none`. */
export function differenceText({ difference, ratio }: Taken, unit: Measure["unit"]): string {
  if (difference === 0) return "none";
  const by = `${difference < 0 ? "-" : "+"}${amount(Math.abs(difference), unit)}`;
  return ratio === null ? by : `${by} (${ratioText(ratio)})`;
}

function ratioText(ratio: number): string {
  return `${ratio >= 10 ? Math.round(ratio).toLocaleString("en-US") : Number(ratio.toPrecision(2))}×`;
}

export const QUANTILES = ["p50", "p95", "max"] as const satisfies readonly (keyof Quantiles)[];

/** `12 took more, 3 less`; `noiseText` says what is taken for noise. */
export function standingOut({ more, less }: Measure): string {
  if (more + less === 0) return "none stands out";
  return `${more.toLocaleString("en-US")} took more, ${less.toLocaleString("en-US")} less`;
}

export function noiseText({ unit, noise, left_out: leftOut }: Measure): string {
  const { cold, ended_otherwise: otherwise } = leftOut;
  const reasons = [
    ...(otherwise === 0 ? [] : [`${otherwise.toLocaleString("en-US")} that ended otherwise`]),
    ...(cold === 0 ? [] : [`${cold.toLocaleString("en-US")} for which a module was compiled`]),
  ];
  const without = reasons.length === 0 ? "" : ` Left out: ${reasons.join(", ")}.`;
  return `A difference of less than ${amount(noise.least, unit)}, or by less than ${noise.ratio}×, passes for noise.${without}`;
}

/** Runs that take most and are not among those with the largest changes: nobody needs them told twice. */
export function highestOthers({ highest, largest_changes: changes }: Measure): readonly Taken[] {
  const told = new Set(changes.map((taken) => `${taken.function} ${taken.invocation_id}`));
  return highest.filter((taken) => !told.has(`${taken.function} ${taken.invocation_id}`));
}

export const ONE_RUN_EACH =
  "One run each, at different times, on a machine with other work: look at what many runs have in common.";
