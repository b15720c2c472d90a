import type { Verdict } from "@nexus-functions/server/replay/compare";
import type { Group, Measure, ReplayReport, Taken } from "@nexus-functions/server/replay/report";
import type { Paint, Style } from "../output.ts";
import { tableLines } from "../table.ts";
import { counted, fitEnd, indent, visible, wrapped } from "../text.ts";
import { diffText } from "./diff-lines.ts";
import {
  amount,
  ASPECT_WORDS,
  CHANGE_SIGNS,
  changeText,
  differenceText,
  highestOthers,
  noiseText,
  ONE_RUN_EACH,
  QUANTILES,
  skippedText,
  standingOut,
  VERDICT_WORDS,
  verdictSentence,
} from "./words.ts";

export interface TextOptions {
  readonly paint: Paint;
  /** Columns; Infinity: nothing is cut. */
  readonly width: number;
  /** How many examples of each group; 1 unless said. */
  readonly examples?: number;
}

/** A report for a terminal or a file: one line that says it all, then what differs, then what took longer. */
export function reportText(report: ReplayReport, options: TextOptions): readonly string[] {
  const { groups, skipped } = report;
  return [
    ...summaryLines(report, options.paint),
    ...groups.flatMap((group) => ["", ...groupLines(group, options)]),
    ...measureLines("Duration", report.duration, options),
    ...measureLines("Memory", report.memory, options),
    ...(skipped.length === 0 ? [] : ["", options.paint("bold", "Not run again")]),
    ...skipped.flatMap((one) =>
      cutTo(options.width, [
        `  ${one.count.toLocaleString("en-US")}  ${skippedText(one)}`,
        `     ${one.invocation_ids.map((id) => visible(id)).join(" ")}${one.count > one.invocation_ids.length ? " …" : ""}`,
      ]),
    ),
  ];
}

const VERDICT_STYLES = {
  newly_failing: "red",
  diverged: "magenta",
  changed: "yellow",
  newly_passing: "green",
  same: "green",
} as const satisfies Record<Verdict, Style>;

function summaryLines(report: ReplayReport, paint: Paint): readonly string[] {
  const { compared, counts, skipped } = report;
  const same = compared > 0 && counts.same === compared;
  const mark = same ? paint("green", "✓") : paint("red", "✗");
  const verdicts = (["newly_failing", "diverged", "changed", "newly_passing"] as const)
    .filter((verdict) => counts[verdict] > 0)
    .map((verdict) =>
      paint(
        VERDICT_STYLES[verdict],
        `${counts[verdict].toLocaleString("en-US")} ${VERDICT_WORDS[verdict]}`,
      ),
    );
  const notRun = skipped.reduce((sum, { count }) => sum + count, 0);
  const rest = [
    ...(same || counts.same === 0 ? [] : [`${counts.same.toLocaleString("en-US")} same`]),
    ...(notRun === 0 ? [] : [`${notRun.toLocaleString("en-US")} not run again`]),
  ];
  const facts = [...verdicts, ...rest.map((text) => paint("dim", text))].join(", ");
  return [`${mark} ${verdictSentence(report)}${facts === "" ? "" : `: ${facts}`}`];
}

function groupLines(group: Group, { paint, width, examples = 1 }: TextOptions): readonly string[] {
  const style = VERDICT_STYLES[group.verdict];
  const shown = group.examples.slice(0, examples);
  const others = group.examples.slice(examples).map(({ invocation_id: id }) => visible(id));
  const more = group.count - shown.length;
  return [
    [
      paint(style, "●"),
      paint("bold", counted(group.count, "run")),
      paint(style, VERDICT_WORDS[group.verdict]),
      visible(group.function),
      paint("dim", group.id),
    ].join(" "),
    ...group.changes.flatMap(({ aspect, ...change }) => {
      const head = `  ${ASPECT_WORDS[aspect].padEnd(9)}  ${CHANGE_SIGNS[change.change]} `;
      const [first = "", ...rest] = wrapped(
        visible(changeText({ aspect, ...change })),
        width - head.length,
      );
      return [paint("dim", head) + first, ...rest.map((line) => " ".repeat(head.length) + line)];
    }),
    ...(group.more_changes ? [paint("dim", "  and more")] : []),
    ...(group.mixed ? [paint("dim", "  (more ways to differ than are told apart)")] : []),
    ...shown.flatMap((example) => [
      "",
      ...cutTo(width, [
        `  ${visible(example.event_type)} ${visible(example.event_id)}, invocation ${visible(example.invocation_id)}`,
      ]).map((line) => paint("dim", line)),
      ...diffText(example.diff, paint).map((line) => indent(line, "    ")),
    ]),
    ...(more > 0 && others.length > 0
      ? [
          "",
          ...cutTo(width, [
            `  ${counted(more, "more run")}: ${others.join(" ")}${more > others.length ? " …" : ""}`,
          ]),
        ]
      : []),
  ];
}

function measureLines(
  title: string,
  measure: Measure,
  { paint, width }: TextOptions,
): readonly string[] {
  const { recorded, candidate, unit, largest_changes: changes } = measure;
  if (measure.highest.length === 0) return [];
  const quantiles = QUANTILES.flatMap((name) => {
    const [was, is] = [recorded[name], candidate[name]];
    return was === null || is === null
      ? []
      : [`${paint("dim", name)} ${amount(was, unit)} → ${amount(is, unit)}`];
  });
  const others = highestOthers(measure);
  const table = (rows: readonly Taken[]): readonly string[] =>
    takenTable(rows, measure, { paint, width });
  return [
    "",
    `${paint("bold", title)}  ${[...quantiles, standingOut(measure)].join("  ")}`,
    ...(changes.length === 0 ? [] : [`  ${paint("dim", "largest changes")}`, ...table(changes)]),
    ...(others.length === 0
      ? []
      : [`  ${paint("dim", unit === "ms" ? "slowest now" : "most memory now")}`, ...table(others)]),
    ...wrapped(`${noiseText(measure)} ${unit === "ms" ? ONE_RUN_EACH : ""}`, width - 2).map(
      (line) => paint("dim", `  ${line}`),
    ),
  ];
}

function takenTable(
  rows: readonly Taken[],
  { unit }: Measure,
  { paint, width }: TextOptions,
): readonly string[] {
  const lines = tableLines<Taken>(
    [
      { title: "INVOCATION", text: (row) => visible(row.invocation_id) },
      {
        title: "EVENT",
        text: (row) => visible(row.event_type),
        shrink: "middle",
        dropOrder: 1,
        paint: (text) => paint("cyan", text),
      },
      {
        title: "RECORDED",
        text: (row) => amount(row.recorded, unit),
        align: "right",
        dropOrder: 2,
      },
      { title: "NOW", text: (row) => amount(row.candidate, unit), align: "right" },
      { title: "CHANGE", text: (row) => differenceText(row, unit), align: "right" },
    ],
    rows,
    { width: width - 4, paintTitle: (text) => paint("dim", text) },
  );
  return lines.map((line) => `    ${line}`);
}

function cutTo(width: number, lines: readonly string[]): readonly string[] {
  return lines.map((line) => fitEnd(line, width));
}
