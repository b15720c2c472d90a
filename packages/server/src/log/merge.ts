/** One sorted stream of a merge: what follows in it, `full` if there may be more after that. */
export interface Run<T> {
  readonly values: readonly T[];
  readonly full: boolean;
}

/**
 * The values of all runs in one order, as far as it is certain: up to the end of the run that stopped
 * first. `full`: there may be more after that. `descending` says how the runs are sorted.
 */
export function mergeRuns<T extends number | string>(
  runs: readonly Run<T>[],
  descending: boolean,
): Run<T> {
  if (runs.length === 1) return runs[0]!;
  const before = (a: T, b: T): boolean => (descending ? a > b : a < b);
  let bound: T | undefined;
  for (const { values, full } of runs) {
    const last = values.at(-1);
    if (full && last !== undefined && (bound === undefined || before(last, bound))) bound = last;
  }
  const limit = bound;
  const values = new Set<T>();
  for (const run of runs) {
    for (const value of run.values) {
      if (limit === undefined || !before(limit, value)) values.add(value);
    }
  }
  const sorted = [...values].sort((a, b) => (a === b ? 0 : before(a, b) ? -1 : 1));
  return { values: sorted, full: bound !== undefined };
}
