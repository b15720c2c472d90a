import { Command } from "commander";
import { connect } from "../connect.ts";
import type { Cli } from "../cli.ts";
import { figures, type Figures, type FunctionFigures } from "../figures.ts";
import { withReadingOptions, type ReadingOptions } from "../reading.ts";
import { printFields } from "../print.ts";
import { counted } from "../text.ts";
import { formatBytes, formatDuration } from "../units.ts";

export function metricsCommand(cli: Cli): Command {
  const command = new Command("metrics")
    .summary("figures since the server started")
    .description(
      "Sums up what the server has counted since it started. GET /metrics has all of it for Prometheus.",
    );
  return withReadingOptions(command).action((options: ReadingOptions) => metrics(cli, options));
}

async function metrics(cli: Cli, options: ReadingOptions): Promise<void> {
  const { out } = cli;
  const summary = await connect(cli, options).metrics();
  if (options.json === true) return out.json(summary);
  const all = figures(summary);
  printFields(out, overview(all));
  if (all.functions.length === 0) return;
  out.print();
  printFunctions(cli, all.functions);
}

function overview(all: Figures): readonly (readonly [string, string])[] {
  return [
    [
      "events",
      [
        `${number(all.accepted)} accepted`,
        ...(all.duplicates === 0 ? [] : [`${number(all.duplicates)} duplicate`]),
        ...(all.rejected === 0 ? [] : [`${number(all.rejected)} rejected`]),
      ].join(", "),
    ],
    ["durable in", times(all.append)],
    [
      "kept",
      `${counted(all.events, "event")}, ${counted(all.records, "record")}, ${counted(all.deadLetters, "dead letter")} in ${formatBytes(all.bytes)}`,
    ],
    [
      "workers",
      `${all.workersBusy} of ${all.workers} busy${all.queued === 0 ? "" : `, ${number(all.queued)} runs waiting`}`,
    ],
  ];
}

function printFunctions({ out }: Cli, functions: readonly FunctionFigures[]): void {
  const { paint } = out;
  const some = (style: "red" | "yellow") => (text: string) =>
    text === "0" ? text : paint(style, text);
  out.table<FunctionFigures>(
    [
      { title: "FUNCTION", text: ({ name }) => name, paint: (text) => paint("bold", text) },
      { title: "RUNS", text: ({ runs }) => number(runs), align: "right" },
      { title: "FAILED", text: ({ failed }) => number(failed), align: "right", paint: some("red") },
      { title: "P50", text: ({ p50 }) => duration(p50), align: "right", dropOrder: 1 },
      { title: "P99", text: ({ p99 }) => duration(p99), align: "right" },
      { title: "WAITING", text: ({ waiting }) => number(waiting), align: "right" },
      {
        title: "RETRYING",
        text: ({ retrying }) => number(retrying),
        align: "right",
        paint: some("yellow"),
      },
      { title: "DEAD", text: ({ dead }) => number(dead), align: "right", paint: some("red") },
      {
        title: "LAG",
        text: ({ lagSeconds }) => duration(lagSeconds === 0 ? null : lagSeconds),
        align: "right",
        dropOrder: 2,
      },
    ],
    functions,
  );
}

function times({ p50, p99 }: Figures["append"]): string {
  return p50 === null ? "" : `${duration(p50)} (p50), ${duration(p99)} (p99)`;
}

function duration(seconds: number | null): string {
  return seconds === null ? "-" : formatDuration(seconds * 1000);
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}
