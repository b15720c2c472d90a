import type { Change } from "./changes.ts";
import { generalise } from "./generalise.ts";

/**
 * How two lists of lines differ, by the lines' patterns: one appears, vanishes, or says another number or
 * id. `reordered`: all are there, in another order. Empty where the lists are equal.
 */
export function lineChanges(
  aspect: Change["aspect"],
  recorded: readonly string[],
  candidate: readonly string[],
): readonly Change[] {
  const only = left(recorded, candidate);
  const now = left(candidate, recorded);
  if (only.length === 0 && now.length === 0) {
    const same = recorded.every((line, index) => line === candidate[index]);
    return same ? [] : [{ aspect, change: "reordered", what: "lines" }];
  }
  const was = new Set(only.map((line) => generalise(line)));
  const is = new Set(now.map((line) => generalise(line)));
  return [...was.union(is)].map((what) => ({
    aspect,
    change: was.has(what) ? (is.has(what) ? "changed" : "removed") : "added",
    what,
  }));
}

/** The lines of one list that the other does not have as often. */
function left(lines: readonly string[], others: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const line of others) counts.set(line, (counts.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = counts.get(line) ?? 0;
    if (count > 0) counts.set(line, count - 1);
    return count === 0;
  });
}
