import { compare, VERDICTS, type Comparison, type Verdict } from "./compare.ts";
import { GroupBuilder } from "./group-builder.ts";
import { DURATION, MeasureBuilder, MEMORY, type MeasureState } from "./measure-builder.ts";
import type { Group, ReplayReport, Skipped } from "./report.ts";
import type { ReplayedPair, SkippedRun } from "./run-facts.ts";
import { runName } from "./run-name.ts";
import { SkippedBuilder } from "./skipped-builder.ts";

/**
 * Makes a report of runs given one by one, in bounded room however many they are: at most a hundred ways to
 * differ are told apart, with three examples each. As long as there are no more, no other order of the same
 * runs gives another report. What it holds can be kept as JSON and gone on from.
 */
export class ReportBuilder {
  readonly #counts: Record<Verdict, number>;
  readonly #groups: GroupBuilder;
  readonly #skipped: SkippedBuilder;
  readonly #duration: MeasureBuilder;
  readonly #memory: MeasureBuilder;

  /** `state` is what another builder's `state()` gave, and `isCurrent`. */
  constructor(state?: ReportState) {
    this.#counts = { ...NONE, ...state?.counts };
    this.#groups = new GroupBuilder(state?.groups);
    this.#skipped = new SkippedBuilder(state?.skipped);
    this.#duration = new MeasureBuilder(DURATION, state?.duration);
    this.#memory = new MeasureBuilder(MEMORY, state?.memory);
  }

  /** Returns how the two runs compare. */
  add(pair: ReplayedPair): Comparison {
    const { recorded, candidate } = pair;
    const comparison = compare(recorded, candidate);
    this.#counts[comparison.verdict] += 1;
    this.#groups.add(pair, comparison);
    const name = runName(pair);
    const otherwise = recorded.status === candidate.status ? undefined : "ended_otherwise";
    const cold = recorded.cold || candidate.cold ? "cold" : undefined;
    this.#duration.add(name, recorded.durationMs, candidate.durationMs, otherwise ?? cold);
    this.#memory.add(name, recorded.memoryPeakBytes, candidate.memoryPeakBytes, otherwise);
    return comparison;
  }

  skip(run: SkippedRun): void {
    this.#skipped.add(run);
  }

  /** Takes in what another builder was given; no run may be in both. */
  merge(state: ReportState): void {
    for (const verdict of VERDICTS) this.#counts[verdict] += state.counts[verdict];
    this.#groups.merge(state.groups);
    this.#skipped.merge(state.skipped);
    this.#duration.merge(state.duration);
    this.#memory.merge(state.memory);
  }

  report(): ReplayReport {
    return {
      compared: Object.values(this.#counts).reduce((sum, count) => sum + count, 0),
      counts: { ...this.#counts },
      skipped: this.#skipped.skipped(),
      groups: this.#groups.groups(),
      duration: this.#duration.measure(),
      memory: this.#memory.measure(),
    };
  }

  /** All it holds, as JSON can carry it. */
  state(): ReportState {
    return {
      format: REPORT_STATE_FORMAT,
      counts: { ...this.#counts },
      groups: this.#groups.groups(),
      skipped: this.#skipped.skipped(),
      duration: this.#duration.state(),
      memory: this.#memory.state(),
    };
  }
}

/** Another number with each change of what is in a state: it outlives the release that wrote it. */
export const REPORT_STATE_FORMAT = 1;

/** Whether a state is one that this release can go on from; another may have written it. */
export function isCurrent({ format }: { readonly format?: unknown }): boolean {
  return format === REPORT_STATE_FORMAT;
}

export interface ReportState {
  readonly format: typeof REPORT_STATE_FORMAT;
  readonly counts: Readonly<Record<Verdict, number>>;
  readonly groups: readonly Group[];
  readonly skipped: readonly Skipped[];
  readonly duration: MeasureState;
  readonly memory: MeasureState;
}

const NONE = {
  newly_failing: 0,
  diverged: 0,
  changed: 0,
  newly_passing: 0,
  same: 0,
} as const satisfies Record<Verdict, 0>;
