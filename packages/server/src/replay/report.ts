import type { NotHermetic } from "../core/recording.ts";
import type { Change } from "./changes.ts";
import type { Verdict } from "./compare.ts";
import type { PartDiff } from "./example-diff.ts";
import type { SkipReason } from "./run-facts.ts";

// What came of running the past again, as plain data. The names are those of the HTTP API.

export interface ReplayReport {
  /** Runs compared. */
  readonly compared: number;
  /** How many of them, by verdict. */
  readonly counts: Readonly<Record<Verdict, number>>;
  /** Runs that could not be made again, by reason, the most frequent first. */
  readonly skipped: readonly Skipped[];
  /** Runs that differ in the same way, the largest group first. */
  readonly groups: readonly Group[];
  readonly duration: Measure;
  readonly memory: Measure;
}

export interface Skipped {
  readonly reason: SkipReason;
  /** Empty unless `not_hermetic`. */
  readonly because: readonly NotHermetic[];
  readonly count: number;
  /** The first three. */
  readonly invocation_ids: readonly string[];
}

export interface Group {
  /** Twelve hexadecimal digits that follow from function, verdict and changes: the same group in another report has the same ones. */
  readonly id: string;
  readonly function: string;
  readonly verdict: Exclude<Verdict, "same">;
  readonly count: number;
  readonly changes: readonly Change[];
  /** Whether there are more changes than these. */
  readonly more_changes: boolean;
  /**
   * Whether its runs differ in the same aspects only, and not in the same way: there were more ways than are
   * told apart.
   */
  readonly mixed: boolean;
  /** The first three, by their events' place in the log. */
  readonly examples: readonly Example[];
}

/** Which run. */
export interface RunName {
  readonly invocation_id: string;
  readonly event_id: string;
  readonly event_type: string;
  readonly function: string;
  readonly position: number;
}

export interface Example extends RunName {
  readonly diff: readonly PartDiff[];
}

/** What the runs took of something, then and now. One run each is no measurement: `noise` says what is made of that. */
export interface Measure {
  readonly unit: "ms" | "bytes";
  readonly recorded: Quantiles;
  readonly candidate: Quantiles;
  /** The five that took most now. */
  readonly highest: readonly Taken[];
  /** Runs whose difference is beyond noise, and of those the five with the largest. */
  readonly more: number;
  readonly less: number;
  readonly largest_changes: readonly Taken[];
  readonly noise: Noise;
  readonly left_out: LeftOut;
}

/** A smaller difference passes for noise, and so does one by less than `ratio`, whatever its size. */
export interface Noise {
  readonly least: number;
  readonly ratio: number;
}

/** Runs that are compared in nothing of this but `highest`. */
export interface LeftOut {
  /** A module was compiled or warmed for one of the two. */
  readonly cold: number;
  /** Where the one broke off, it took less for that reason. */
  readonly ended_otherwise: number;
}

/** Values that occurred, at most a tenth above the exact quantile; null where nothing was measured. */
export interface Quantiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly max: number | null;
}

export interface Taken extends RunName {
  readonly recorded: number;
  readonly candidate: number;
  /** `candidate` less `recorded`. */
  readonly difference: number;
  /** `candidate` by `recorded`; null where that was 0. */
  readonly ratio: number | null;
}
