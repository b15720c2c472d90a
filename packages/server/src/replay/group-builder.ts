import { hash } from "node:crypto";
import { CHANGE_ASPECTS, shapeOf, type Change } from "./changes.ts";
import { VERDICTS, type Comparison } from "./compare.ts";
import { exampleDiff } from "./example-diff.ts";
import type { Example, Group } from "./report.ts";
import type { ReplayedPair } from "./run-facts.ts";
import { byPosition, byText, runName } from "./run-name.ts";

/** Ways to differ that are told apart, by function and verdict; what comes after goes by aspects only. */
const MAX_GROUPS = 100;
const MAX_EXAMPLES = 3;

/** Puts runs that differ in the same way together, in bounded room. */
export class GroupBuilder {
  readonly #groups: Map<string, Group>;

  constructor(groups: readonly Group[] = []) {
    this.#groups = new Map(groups.map((group) => [group.id, group]));
  }

  add(pair: ReplayedPair, { verdict, changes, more }: Comparison): void {
    if (verdict === "same") return;
    const name = runName(pair);
    const shape = this.#room({
      function: pair.function,
      verdict,
      changes,
      more_changes: more,
      mixed: false,
    });
    const { examples, count } = this.#groups.get(shape.id) ?? { examples: [], count: 0 };
    const last = examples[MAX_EXAMPLES - 1];
    const early = last === undefined || byPosition(name, last) < 0;
    this.#groups.set(shape.id, {
      ...shape,
      count: count + 1,
      // Made only where it is kept: a diff takes longer than all the rest.
      examples: early
        ? firstOf(examples, [{ ...name, diff: exampleDiff(pair.recorded, pair.candidate) }])
        : examples,
    });
  }

  merge(groups: readonly Group[]): void {
    for (const { count, examples, ...group } of groups) {
      const shape = this.#room(group);
      const own = this.#groups.get(shape.id) ?? { examples: [], count: 0 };
      this.#groups.set(shape.id, {
        ...shape,
        count: own.count + count,
        examples: firstOf(own.examples, examples),
      });
    }
  }

  /** The largest first; of equal ones that with the graver verdict. */
  groups(): readonly Group[] {
    return [...this.#groups.values()].sort(
      (one, other) =>
        other.count - one.count ||
        VERDICTS.indexOf(one.verdict) - VERDICTS.indexOf(other.verdict) ||
        byText(one.id, other.id),
    );
  }

  // Where there is no more room for another way to differ: the aspects in which it differs.
  #room(shape: Unnamed): Shape {
    const own = named(shape);
    if (this.#groups.has(own.id) || shape.mixed || this.#groups.size < MAX_GROUPS) return own;
    const aspects = new Set(shape.changes.map(({ aspect }) => aspect));
    return named({
      function: shape.function,
      verdict: shape.verdict,
      changes: CHANGE_ASPECTS.filter((aspect) => aspects.has(aspect)).map((aspect): Change => ({
        aspect,
        change: "changed",
        what: "in various ways",
      })),
      more_changes: false,
      mixed: true,
    });
  }
}

type Shape = Omit<Group, "count" | "examples">;
type Unnamed = Omit<Shape, "id">;

function named(shape: Unnamed): Shape {
  const { function: name, verdict, changes, more_changes: more, mixed } = shape;
  const key = JSON.stringify([name, verdict, shapeOf(changes), more, mixed]);
  return {
    id: hash("sha256", key).slice(0, 12),
    function: name,
    verdict,
    changes,
    more_changes: more,
    mixed,
  };
}

function firstOf(examples: readonly Example[], others: readonly Example[]): readonly Example[] {
  return [...examples, ...others].sort(byPosition).slice(0, MAX_EXAMPLES);
}
