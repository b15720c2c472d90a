/** In what a run can differ from the recorded one, in the order in which it is told. */
export const CHANGE_ASPECTS = ["status", "exit_code", "error", "output", "log", "effect"] as const;

export type ChangeAspect = (typeof CHANGE_ASPECTS)[number];

/** `formatting`: other bytes, and the same to whoever reads them as JSON or as lines. */
export const CHANGE_KINDS = ["added", "removed", "changed", "reordered", "formatting"] as const;

export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** One way in which a run differs, without what is this one run's alone. The names are those of the HTTP API. */
export interface Change {
  readonly aspect: ChangeAspect;
  readonly change: ChangeKind;
  /** A JSON path, a line's pattern, an effect's kind and what it acts upon: one line. */
  readonly what: string;
}

/** Sorted, and each once. */
export function inOrder(changes: readonly Change[]): readonly Change[] {
  const keys = new Map(changes.map((change) => [sortKey(change), change]));
  return [...keys].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, change]) => change);
}

/** Two equal lists of changes, in order, have the same text and no others have. */
export function shapeOf(changes: readonly Change[]): string {
  return JSON.stringify(changes.map(({ aspect, change, what }) => [aspect, change, what]));
}

function sortKey({ aspect, change, what }: Change): string {
  return `${CHANGE_ASPECTS.indexOf(aspect)} ${what} ${change}`;
}
