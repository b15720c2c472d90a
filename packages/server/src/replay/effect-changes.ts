import type { Change } from "./changes.ts";
import { generalise } from "./generalise.ts";
import { contentChanges } from "./output-changes.ts";
import type { Effect } from "./run-facts.ts";

/**
 * Which effects appear, vanish or have another content. An effect's like is the first one left of its kind
 * on the same thing; failing that, of its kind on a thing that differs in numbers and ids only.
 */
export function effectChanges(
  recorded: readonly Effect[],
  given: readonly Effect[],
): readonly Change[] {
  // Each is told from the others by being itself: the same object may be given twice.
  const candidate = given.map((effect) => ({ ...effect }));
  const exact = matched(recorded, candidate, exactName);
  const alike = matched(exact.left, exact.appeared, patternName);
  const changes: Change[] = [
    ...alike.left.map((effect) => changeOf("removed", effect)),
    ...alike.appeared.map((effect) => changeOf("added", effect)),
    ...alike.pairs.map(([was]) => changeOf("changed", was)),
  ];
  for (const [was, is] of [...exact.pairs, ...alike.pairs]) {
    const of = { aspect: "effect", name: patternName(was) } as const;
    changes.push(...contentChanges(was.content, is.content, of));
  }
  if (changes.length > 0 || inSameOrder(exact.pairs, candidate)) return changes;
  return [{ aspect: "effect", change: "reordered", what: "effects" }];
}

type Pair = readonly [was: Effect, is: Effect];

function matched(
  recorded: readonly Effect[],
  candidate: readonly Effect[],
  nameOf: (effect: Effect) => string,
): {
  readonly pairs: readonly Pair[];
  readonly left: readonly Effect[];
  readonly appeared: readonly Effect[];
} {
  const waiting = Map.groupBy(candidate, nameOf);
  const pairs: Pair[] = [];
  const left: Effect[] = [];
  for (const effect of recorded) {
    const like = waiting.get(nameOf(effect))?.shift();
    if (like === undefined) left.push(effect);
    else pairs.push([effect, like]);
  }
  const taken = new Set(pairs.map(([, is]) => is));
  return { pairs, left, appeared: candidate.filter((effect) => !taken.has(effect)) };
}

function inSameOrder(pairs: readonly Pair[], candidate: readonly Effect[]): boolean {
  return pairs.every(([, is], index) => is === candidate[index]);
}

function changeOf(change: Change["change"], effect: Effect): Change {
  return { aspect: "effect", change, what: patternName(effect) };
}

function exactName({ kind, summary }: Effect): string {
  return `${kind} ${summary}`;
}

function patternName({ kind, summary }: Effect): string {
  return `${kind} ${generalise(summary)}`;
}
