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

/** A line of a diff with nothing in it that steers a terminal. `sign` is a column wide, or empty. */
export function diffLine(line: string): {
  readonly kind: LineKind;
  readonly sign: string;
  readonly text: string;
} {
  const kind = LINE_KINDS[line[0] as keyof typeof LINE_KINDS] ?? "context";
  const text = visible(line.slice(1));
  if (kind === "left-out") return { kind, sign: "", text: `… ${text}` };
  if (kind === "place") return { kind, sign: "", text: `@ ${text}` };
  return { kind, sign: line[0]!, text };
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
    ...lines.map((line) => {
      const { kind, sign, text } = diffLine(line);
      const whole = `  ${sign === "" ? "" : `${sign} `}${text}`;
      return kind === "context" ? whole : paint(STYLES[kind], whole);
    }),
  ]);
}
