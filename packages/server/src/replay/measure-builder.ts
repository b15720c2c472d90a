import { Distribution, type DistributionState } from "./distribution.ts";
import type { LeftOut, Measure, RunName, Taken } from "./report.ts";
import { byPosition } from "./run-name.ts";

export interface MeasureRules {
  readonly unit: Measure["unit"];
  /** A smaller difference is noise. */
  readonly least: number;
  /** And one by less than this, whatever its size. */
  readonly ratio: number;
}

export const DURATION: MeasureRules = { unit: "ms", least: 1, ratio: 1.5 };
/** A page of WebAssembly's memory. */
export const MEMORY: MeasureRules = { unit: "bytes", least: 65_536, ratio: 1.1 };

/** What runs took, then and now: how it spread, and the runs where it stands out. */
export class MeasureBuilder {
  readonly #rules: MeasureRules;
  readonly #recorded: Distribution;
  readonly #candidate: Distribution;
  #highest: readonly Taken[];
  #largestChanges: readonly Taken[];
  #more: number;
  #less: number;
  #leftOut: LeftOut;

  constructor(rules: MeasureRules, state?: MeasureState) {
    this.#rules = rules;
    this.#recorded = new Distribution(state?.recorded);
    this.#candidate = new Distribution(state?.candidate);
    this.#highest = state?.highest ?? [];
    this.#largestChanges = state?.largest_changes ?? [];
    this.#more = state?.more ?? 0;
    this.#less = state?.less ?? 0;
    this.#leftOut = state?.left_out ?? { cold: 0, ended_otherwise: 0 };
  }

  /** `leftOut`: why the two say nothing about each other. */
  add(run: RunName, recorded: number, candidate: number, leftOut?: keyof LeftOut): void {
    const difference = rounded(candidate - recorded);
    const ratio = rounded(candidate / recorded);
    const taken: Taken = {
      ...run,
      recorded,
      candidate,
      difference,
      ratio: Number.isFinite(ratio) ? ratio : null,
    };
    this.#highest = first(this.#highest, [taken], byCandidate);
    if (leftOut !== undefined) {
      this.#leftOut = { ...this.#leftOut, [leftOut]: this.#leftOut[leftOut] + 1 };
      return;
    }
    this.#recorded.add(recorded);
    this.#candidate.add(candidate);
    if (this.#isNoise(taken)) return;
    if (difference > 0) this.#more += 1;
    else this.#less += 1;
    this.#largestChanges = first(this.#largestChanges, [taken], byDifference);
  }

  merge(state: MeasureState): void {
    this.#recorded.merge(state.recorded);
    this.#candidate.merge(state.candidate);
    this.#highest = first(this.#highest, state.highest, byCandidate);
    this.#largestChanges = first(this.#largestChanges, state.largest_changes, byDifference);
    this.#more += state.more;
    this.#less += state.less;
    const { cold, ended_otherwise: otherwise } = this.#leftOut;
    this.#leftOut = {
      cold: cold + state.left_out.cold,
      ended_otherwise: otherwise + state.left_out.ended_otherwise,
    };
  }

  measure(): Measure {
    const { unit, least, ratio } = this.#rules;
    return {
      unit,
      recorded: this.#recorded.quantiles(),
      candidate: this.#candidate.quantiles(),
      highest: this.#highest,
      more: this.#more,
      less: this.#less,
      largest_changes: this.#largestChanges,
      noise: { least, ratio },
      left_out: this.#leftOut,
    };
  }

  state(): MeasureState {
    return {
      recorded: this.#recorded.state(),
      candidate: this.#candidate.state(),
      highest: this.#highest,
      largest_changes: this.#largestChanges,
      more: this.#more,
      less: this.#less,
      left_out: this.#leftOut,
    };
  }

  #isNoise({ recorded, candidate, difference }: Taken): boolean {
    const [small, large] = recorded < candidate ? [recorded, candidate] : [candidate, recorded];
    return Math.abs(difference) < this.#rules.least || large < small * this.#rules.ratio;
  }
}

export interface MeasureState {
  readonly recorded: DistributionState;
  readonly candidate: DistributionState;
  readonly highest: readonly Taken[];
  readonly largest_changes: readonly Taken[];
  readonly more: number;
  readonly less: number;
  readonly left_out: LeftOut;
}

const MOST = 5;

function first(
  kept: readonly Taken[],
  others: readonly Taken[],
  order: (one: Taken, other: Taken) => number,
): readonly Taken[] {
  return [...kept, ...others]
    .sort((one, other) => order(one, other) || byPosition(one, other))
    .slice(0, MOST);
}

function byCandidate(one: Taken, other: Taken): number {
  return other.candidate - one.candidate;
}

function byDifference(one: Taken, other: Taken): number {
  return Math.abs(other.difference) - Math.abs(one.difference);
}

// To the thousandth: durations have no more digits than that.
function rounded(value: number): number {
  // Without `+ 0` there would be a -0, which JSON does not carry.
  return Math.round(value * 1000) / 1000 + 0;
}
