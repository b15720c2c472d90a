import { NOT_HERMETIC } from "../core/recording.ts";
import type { Skipped } from "./report.ts";
import type { SkippedRun } from "./run-facts.ts";
import { byText } from "./run-name.ts";

const MAX_IDS = 3;

/** Counts runs that could not be made again, by why not. */
export class SkippedBuilder {
  readonly #byReason: Map<string, Skipped>;

  constructor(skipped: readonly Skipped[] = []) {
    this.#byReason = new Map(skipped.map((one) => [keyOf(one), one]));
  }

  add({ invocationId, reason, because = [] }: SkippedRun): void {
    const inOrder = NOT_HERMETIC.filter((one) => because.includes(one));
    this.#take({ reason, because: inOrder, count: 1, invocation_ids: [invocationId] });
  }

  merge(skipped: readonly Skipped[]): void {
    for (const one of skipped) this.#take(one);
  }

  skipped(): readonly Skipped[] {
    return [...this.#byReason.values()].sort(
      (one, other) => other.count - one.count || byText(keyOf(one), keyOf(other)),
    );
  }

  #take(one: Skipped): void {
    const key = keyOf(one);
    const own = this.#byReason.get(key);
    // Ids of invocations sort by their start.
    const ids = [...(own?.invocation_ids ?? []), ...one.invocation_ids].sort(byText);
    this.#byReason.set(key, {
      ...one,
      count: (own?.count ?? 0) + one.count,
      invocation_ids: ids.slice(0, MAX_IDS),
    });
  }
}

function keyOf({ reason, because }: Pick<Skipped, "reason" | "because">): string {
  return [reason, ...because].join(" ");
}
