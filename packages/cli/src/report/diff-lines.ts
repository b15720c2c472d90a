import type { PartDiff } from "@nexus-functions/server/replay/example-diff";
import type { Paint, Style } from "../output.ts";
import { visible } from "../text.ts";
import { PART_WORDS } from "./words.ts";

/** What a line of a diff is, by its first character. */
export const LINE_KINDS = {
  "-": "removed",
  "+": "added",
  "@": "place",
  "…": "left-out",
  " ": "context",
} as const;

export type LineKind = (typeof LINE_KINDS)[keyof typeof LINE_KINDS];

/** A line of a diff with nothing in it that steers a terminal. */
export interface DiffRow {
  readonly kind: LineKind;
  /** A column wide, or empty. */
  readonly sign: string;
  /** In three parts, of which the middle one is what differs from the line's counterpart; else all is in the first. */
  readonly text: readonly [before: string, differs: string, after: string];
}

/** The lines of a part's difference; one that went and the one that came in its place have what differs in them told. */
export function diffRows(lines: readonly string[]): readonly DiffRow[] {
  const rows: DiffRow[] = [];
  for (let at = 0; at < lines.length;) {
    const removed = run(lines, at, "-");
    const added = run(lines, at + removed.length, "+");
    if (removed.length + added.length === 0) {
      rows.push(plainRow(lines[at]!));
      at += 1;
      continue;
    }
    rows.push(
      ...removed.map((text, index) => row("-", text, added[index])),
      ...added.map((text, index) => row("+", text, removed[index])),
    );
    at += removed.length + added.length;
  }
  return rows;
}

function run(lines: readonly string[], from: number, sign: string): readonly string[] {
  const found: string[] = [];
  for (let at = from; lines[at]?.startsWith(sign) === true; at += 1)
    found.push(visible(lines[at]!.slice(1)));
  return found;
}

function plainRow(line: string): DiffRow {
  const kind = LINE_KINDS[line[0] as keyof typeof LINE_KINDS] ?? "context";
  const text = visible(line.slice(1));
  if (kind === "context") return { kind, sign: " ", text: [text, "", ""] };
  return { kind, sign: "", text: [`${line[0]} ${text}`, "", ""] };
}

function row(sign: "-" | "+", text: string, other: string | undefined): DiffRow {
  return { kind: LINE_KINDS[sign], sign, text: inParts(text, other) };
}

const WORD = /[\p{L}\p{N}_.-]/u;

// By code points: half of one is no text.
function inParts(text: string, other: string | undefined): DiffRow["text"] {
  if (other === undefined) return [text, "", ""];
  const [own, its] = [Array.from(text), Array.from(other)];
  const shorter = Math.min(own.length, its.length);
  let start = 0;
  let end = 0;
  while (start < shorter && own[start] === its[start]) start += 1;
  while (end < shorter - start && own.at(-1 - end) === its.at(-1 - end)) end += 1;
  // Whole words and numbers, not what digits they have in common by chance.
  while (start > 0 && start < own.length && WORD.test(own[start - 1]!)) start -= 1;
  while (end > 0 && end < own.length && WORD.test(own.at(-end)!)) end -= 1;
  // Where hardly anything is the same, all of it differs, and nothing stands out.
  if (start + end < own.length / 3) return [text, "", ""];
  const middle = own.length - end;
  return [
    own.slice(0, start).join(""),
    own.slice(start, middle).join(""),
    own.slice(middle).join(""),
  ];
}

const STYLES = {
  removed: "red",
  added: "green",
  place: "cyan",
  "left-out": "dim",
  context: "reset",
} as const satisfies Record<LineKind, Style>;

/** How a run differs, part by part, for a terminal or a file. */
export function diffText(diff: readonly PartDiff[], paint: Paint): readonly string[] {
  return diff.flatMap(({ part, lines }) => [
    paint("bold", PART_WORDS[part]),
    ...diffRows(lines).map(({ kind, sign, text: [before, differs, after] }) => {
      const style = STYLES[kind];
      const margin = sign === "" ? "  " : `  ${sign} `;
      if (kind === "context") return margin + before;
      const mark = differs === "" ? "" : paint([style, "underline"], differs);
      return `${paint(style, margin + before)}${mark}${after === "" ? "" : paint(style, after)}`;
    }),
  ]);
}
