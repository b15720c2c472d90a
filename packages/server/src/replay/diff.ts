import { cut, firstDifference } from "./cut-line.ts";
import { type Edit, editsOf } from "./edits.ts";
import type { ReadableLine } from "./readable.ts";

/** What a diff may take up. */
export interface DiffLimits {
  readonly maxLines: number;
  /** Where one of the two is empty: its beginning is enough. */
  readonly maxLinesOfOne: number;
  /** Of lines that went, or came, one after another: both sides are to be seen. */
  readonly maxRun: number;
  /** Of one line, in characters. */
  readonly maxLineLength: number;
  /** Of all lines together; one line is given in any case. */
  readonly maxLength: number;
}

export const DIFF_LIMITS: DiffLimits = {
  maxLines: 40,
  maxLinesOfOne: 12,
  maxRun: 15,
  maxLineLength: 240,
  maxLength: 3000,
};

/**
 * Two lists of lines as people read their difference. The first character of each line says what it is:
 * `-` was, `+` is now, a space: the same in both; `@`: where the lines after it lie; `…`: what is left out
 * here, in words. Nothing is escaped: whoever shows it has to. Empty where the lists are equal.
 */
export function diffLines(
  recorded: readonly ReadableLine[],
  candidate: readonly ReadableLine[],
  limits: DiffLimits = DIFF_LIMITS,
): readonly string[] {
  const { edits, uncompared } = editsOf(recorded, candidate);
  const single = recorded.length === 0 || candidate.length === 0;
  const maxLines = single ? Math.min(limits.maxLines, limits.maxLinesOfOne) : limits.maxLines;
  let differing = edits.reduce((count, { sign }) => (sign === " " ? count : count + 1), 0);
  let length = 0;
  const lines: string[] = [];
  for (const { text, stands } of toldLines(edits, limits)) {
    length += text.length;
    if (lines.length === maxLines || (length > limits.maxLength && lines.length > 0)) break;
    lines.push(text);
    differing -= stands;
  }
  if (differing > 0) lines.push(leftOut(differing, "more line differs", "more lines differ"));
  if (uncompared > 0)
    lines.push(
      leftOut(uncompared, "line after these was", "lines after these were") + " not compared",
    );
  return lines;
}

interface Told {
  readonly text: string;
  /** For how many of the lines that differ. */
  readonly stands: number;
}

function* toldLines(edits: readonly Edit[], limits: DiffLimits): Iterable<Told> {
  for (const { alike, edits: own, alikeAfter } of hunks(edits)) {
    if (alike > 0) yield { text: leftOut(alike, "line alike", "lines alike"), stands: 0 };
    const place = own.find(({ sign }) => sign !== " ")!.line.place;
    const known = place === "" || place === "$" || own.some(({ line }) => line.text === place);
    if (!known) yield { text: `@${cut(place, 0, limits.maxLineLength)}`, stands: 0 };
    yield* hunkLines(own, limits);
    if (alikeAfter > 0) yield { text: leftOut(alikeAfter, "line alike", "lines alike"), stands: 0 };
  }
}

function leftOut(count: number, one: string, many: string): string {
  return `…${count} ${count === 1 ? one : many}`;
}

interface Hunk {
  /** Lines left out before it. */
  readonly alike: number;
  readonly edits: readonly Edit[];
  /** Lines left out after it, with the last one only. */
  readonly alikeAfter: number;
}

const CONTEXT = 2;

function* hunks(edits: readonly Edit[]): Iterable<Hunk> {
  const shown = nearChanges(edits);
  let alike = 0;
  for (let at = 0; at < edits.length;) {
    const from = at;
    while (at < edits.length && shown[at] === 1) at += 1;
    if (at > from) {
      const next = shown.indexOf(1, at);
      const alikeAfter = next === -1 ? edits.length - at : 0;
      yield { alike, edits: edits.slice(from, at), alikeAfter };
      if (next === -1) return;
      alike = next - at;
      at = next;
    } else {
      alike += 1;
      at += 1;
    }
  }
}

/** 1 for each line that differs or lies near one. */
function nearChanges(edits: readonly Edit[]): Uint8Array {
  const near = new Uint8Array(edits.length);
  for (const [index, { sign }] of edits.entries()) {
    if (sign !== " ") near.fill(1, Math.max(0, index - CONTEXT), index + CONTEXT + 1);
  }
  // A single line left out would take a line to say so.
  const last = edits.length - 1;
  for (let at = 0; at <= last; at += 1) {
    const before = at === 0 || near[at - 1] === 1;
    if (before && last > 0 && (at === last || near[at + 1] === 1)) near[at] = 1;
  }
  return near;
}

// The nth line that went and the nth that came in its place are cut alike, around where they begin to differ.
function* hunkLines(edits: readonly Edit[], limits: DiffLimits): Iterable<Told> {
  for (let at = 0; at < edits.length;) {
    const removed = run(edits, at, "-");
    const added = run(edits, at + removed.length, "+");
    yield* runLines("-", removed, added, limits);
    yield* runLines("+", added, removed, limits);
    at += removed.length + added.length;
    const next = edits[at];
    if (next?.sign !== " ") continue;
    yield { text: ` ${cut(next.line.text, 0, limits.maxLineLength)}`, stands: 0 };
    at += 1;
  }
}

function* runLines(
  sign: "-" | "+",
  lines: readonly string[],
  others: readonly string[],
  { maxRun, maxLineLength }: DiffLimits,
): Iterable<Told> {
  // One more line takes no more room than to say that there is one more.
  const most = lines.length > maxRun + 1 ? maxRun : lines.length;
  for (const [index, text] of lines.slice(0, most).entries()) {
    const from = firstDifference(text, others[index]);
    yield { text: sign + cut(text, from, maxLineLength), stands: 1 };
  }
  const rest = lines.length - most;
  if (rest === 0) return;
  const how = sign === "-" ? "more lines are gone" : "more lines are new";
  yield { text: `…${rest} ${how}`, stands: rest };
}

function run(edits: readonly Edit[], from: number, sign: Edit["sign"]): readonly string[] {
  const lines: string[] = [];
  for (let at = from; edits[at]?.sign === sign; at += 1) lines.push(edits[at]!.line.text);
  return lines;
}
