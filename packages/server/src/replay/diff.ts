import { diffArrays } from "diff";
import type { ReadableLine } from "./readable.ts";

/** What a diff may take up. */
export interface DiffLimits {
  readonly maxLines: number;
  /** Where one of the two is empty: its beginning is enough. */
  readonly maxLinesOfOne: number;
  /** Of one line, in characters. */
  readonly maxLineLength: number;
  /** Of all lines together; one line is given in any case. */
  readonly maxLength: number;
}

export const DIFF_LIMITS: DiffLimits = {
  maxLines: 40,
  maxLinesOfOne: 12,
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
  const edits = editsOf(recorded, candidate);
  const lines = hunks(edits).flatMap((hunk) => hunkLines(hunk, limits.maxLineLength));
  const single = recorded.length === 0 || candidate.length === 0;
  const maxLines = single ? Math.min(limits.maxLines, limits.maxLinesOfOne) : limits.maxLines;
  const kept = lines.slice(0, fitting(lines, maxLines, limits.maxLength));
  const rest = lines.slice(kept.length).filter(differs).length;
  return rest === 0
    ? kept
    : [...kept, `…${rest} more ${rest === 1 ? "line differs" : "lines differ"}`];
}

function fitting(lines: readonly string[], maxLines: number, maxLength: number): number {
  let length = 0;
  for (const [index, line] of lines.entries()) {
    length += line.length;
    if (index === maxLines || (length > maxLength && index > 0)) return index;
  }
  return lines.length;
}

function differs(line: string): boolean {
  return line.startsWith("-") || line.startsWith("+");
}

interface Edit {
  readonly sign: " " | "-" | "+";
  readonly line: ReadableLine;
}

/** More differences are not told apart line by line: it would take long, and nobody would read it. */
const MAX_EDITS = 400;

function editsOf(
  recorded: readonly ReadableLine[],
  candidate: readonly ReadableLine[],
): readonly Edit[] {
  const parts = diffArrays(recorded.map(textOf), candidate.map(textOf), {
    maxEditLength: MAX_EDITS,
  });
  if (parts === undefined) return wholesale(recorded, candidate);
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

// All that lies between what is alike at both ends.
function wholesale(
  recorded: readonly ReadableLine[],
  candidate: readonly ReadableLine[],
): readonly Edit[] {
  const shorter = Math.min(recorded.length, candidate.length);
  let start = 0;
  let end = 0;
  while (start < shorter && recorded[start]!.text === candidate[start]!.text) start += 1;
  while (end < shorter - start && recorded.at(-1 - end)!.text === candidate.at(-1 - end)!.text)
    end += 1;
  const all = (lines: readonly ReadableLine[], sign: Edit["sign"]): readonly Edit[] =>
    lines.map((line) => ({ sign, line }));
  return [
    ...all(recorded.slice(0, start), " "),
    ...all(recorded.slice(start, recorded.length - end), "-"),
    ...all(candidate.slice(start, candidate.length - end), "+"),
    ...all(recorded.slice(recorded.length - end), " "),
  ];
}

function textOf({ text }: ReadableLine): string {
  return text;
}

interface Hunk {
  /** Lines left out before it. */
  readonly alike: number;
  readonly edits: readonly Edit[];
  /** Lines left out after it, with the last one only. */
  readonly alikeAfter: number;
}

const CONTEXT = 2;

function hunks(edits: readonly Edit[]): readonly Hunk[] {
  const near = new Set<number>();
  for (const [index, { sign }] of edits.entries()) {
    if (sign === " ") continue;
    for (let at = index - CONTEXT; at <= index + CONTEXT; at += 1) near.add(at);
  }
  if (near.size === 0) return [];
  // A single line left out would take a line to say so.
  for (const index of edits.keys()) {
    const before = index === 0 || near.has(index - 1);
    if (before && (index === edits.length - 1 || near.has(index + 1))) near.add(index);
  }
  const found: { alike: number; edits: Edit[]; alikeAfter: number }[] = [];
  let alike = 0;
  for (const [index, edit] of edits.entries()) {
    if (!near.has(index)) {
      alike += 1;
      continue;
    }
    if (alike > 0 || found.length === 0) found.push({ alike, edits: [], alikeAfter: 0 });
    alike = 0;
    found.at(-1)!.edits.push(edit);
  }
  const last = found.at(-1);
  if (last !== undefined) last.alikeAfter = alike;
  return found;
}

function hunkLines({ alike, edits, alikeAfter }: Hunk, maxLength: number): readonly string[] {
  const place = edits.find(({ sign }) => sign !== " ")!.line.place;
  const told = place === "" || place === "$" || edits.some(({ line }) => line.text === place);
  return [
    ...leftOut(alike),
    ...(told ? [] : [`@${place}`]),
    ...shortened(edits, maxLength),
    ...leftOut(alikeAfter),
  ];
}

function leftOut(count: number): readonly string[] {
  return count === 0 ? [] : [`…${count} ${count === 1 ? "line" : "lines"} alike`];
}

// The nth line that went and the nth that came in its place are cut alike, around where they begin to differ.
function shortened(edits: readonly Edit[], maxLength: number): readonly string[] {
  const lines: string[] = [];
  for (let at = 0; at < edits.length;) {
    const removed = run(edits, at, "-");
    const added = run(edits, at + removed.length, "+");
    for (const [index, text] of removed.entries())
      lines.push(`-${cut(text, firstDifference(text, added[index]), maxLength)}`);
    for (const [index, text] of added.entries())
      lines.push(`+${cut(text, firstDifference(text, removed[index]), maxLength)}`);
    at += removed.length + added.length;
    if (edits[at]?.sign === " ") {
      lines.push(` ${cut(edits[at]!.line.text, 0, maxLength)}`);
      at += 1;
    }
  }
  return lines;
}

function run(edits: readonly Edit[], from: number, sign: Edit["sign"]): readonly string[] {
  const lines: string[] = [];
  for (let at = from; edits[at]?.sign === sign; at += 1) lines.push(edits[at]!.line.text);
  return lines;
}

function firstDifference(text: string, other = ""): number {
  const shorter = Math.min(text.length, other.length);
  let at = 0;
  while (at < shorter && text[at] === other[at]) at += 1;
  return other === "" ? 0 : at;
}

/** Characters of a cut line that stand before where it differs. */
const BEFORE = 40;

function cut(text: string, differsAt: number, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const start = Math.max(0, Math.min(differsAt - BEFORE, text.length - maxLength));
  const end = start + maxLength;
  const rest = text.length - end;
  return `${start > 0 ? `… (${start} characters) ` : ""}${text.slice(start, end)}${rest > 0 ? ` … (${rest} more characters)` : ""}`;
}
