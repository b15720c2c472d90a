import { diffArrays } from "diff";
import type { ReadableLine } from "./readable.ts";

export interface Edit {
  /** `-`: in the recorded list only; `+`: in the candidate's only. */
  readonly sign: " " | "-" | "+";
  readonly line: ReadableLine;
}

export interface Edits {
  /** In the order in which people read them: what went before what came. */
  readonly edits: readonly Edit[];
  /** Lines after those, of the longer list, that were not compared one by one. */
  readonly uncompared: number;
}

/** More differences would take long to find, and nobody would read them. */
const MAX_EDITS = 400;
/** Of what differs too much, so many lines are compared. */
const WINDOW = 300;

/** Which lines of two lists are in both of them. */
export function editsOf(
  recorded: readonly ReadableLine[],
  candidate: readonly ReadableLine[],
): Edits {
  const edits = compared(recorded, candidate, MAX_EDITS);
  if (edits !== undefined) return { edits, uncompared: 0 };
  const shorter = Math.min(recorded.length, candidate.length);
  let start = 0;
  while (start < shorter && recorded[start]!.text === candidate[start]!.text) start += 1;
  const end = start + WINDOW;
  const begun = compared(recorded.slice(start, end), candidate.slice(start, end), 2 * WINDOW)!;
  const before = recorded.slice(0, start).map((line): Edit => ({ sign: " ", line }));
  const longer = Math.max(recorded.length, candidate.length);
  return { edits: [...before, ...begun], uncompared: Math.max(0, longer - end) };
}

/** Undefined: there are more than `maxEdits`. */
function compared(
  recorded: readonly ReadableLine[],
  candidate: readonly ReadableLine[],
  maxEdits: number,
): readonly Edit[] | undefined {
  const parts = diffArrays(recorded.map(textOf), candidate.map(textOf), {
    maxEditLength: maxEdits,
  });
  if (parts === undefined) return undefined;
  const edits: Edit[] = [];
  let was = 0;
  let is = 0;
  for (const { count, added, removed } of parts) {
    for (let done = 0; done < count; done += 1) {
      if (added) edits.push({ sign: "+", line: candidate[is]! });
      else edits.push({ sign: removed ? "-" : " ", line: recorded[was]! });
      if (!added) was += 1;
      if (!removed) is += 1;
    }
  }
  return edits;
}

function textOf({ text }: ReadableLine): string {
  return text;
}
