import type { CloudEvent, Invocation } from "@nexus-functions/client/api.gen";
import type { Output, Paint, Style } from "./output.ts";
import type { Column } from "./table.ts";
import { prettyText, printBlock, printFields } from "./print.ts";
import { hostCallLines, trapLines, type Trap } from "./trap.ts";
import { visible, widthOf } from "./text.ts";
import { formatAge, formatBytes, formatClock, formatDuration, shortVersion } from "./units.ts";

const STATUS_STYLE = {
  succeeded: "green",
  failed: "red",
  timed_out: "red",
  out_of_memory: "red",
  trapped: "red",
  cancelled: "yellow",
} as const satisfies Record<Invocation["status"], Style>;

export function paintStatus(status: Invocation["status"], paint: Paint): string {
  return paint(STATUS_STYLE[status], status);
}

const LEVEL_STYLE = { debug: "dim", info: "green", warn: "yellow", error: "red" } as const;

/** A line of a function's log, with its level before it where it has one. */
export function logText({ text, level }: Invocation["logs"][number], paint: Paint): string {
  const shown = visible(text);
  return level === undefined ? shown : `${paint(LEVEL_STYLE[level], level)} ${shown}`;
}

/** `02:31:05.123 → com.example.hello  0192…  /source` */
export function eventLine(event: CloudEvent, paint: Paint): string {
  const { time, type, id, source } = event;
  return [
    paint("dim", formatClock(time ?? new Date())),
    paint("cyan", "→"),
    paint("bold", visible(type)),
    paint("dim", `${visible(id)}  ${visible(source)}`),
  ].join(" ");
}

/** `02:31:05.130 ✓ hello  1.2 ms  {"greeting":"Hello"}`; then the log lines, and what went wrong. */
export function invocationLines(
  record: Invocation,
  paint: Paint,
  options: { readonly width: number; readonly nameWidth?: number },
): readonly string[] {
  const { width, nameWidth = 0 } = options;
  const good = record.status === "succeeded";
  const facts = [
    formatDuration(record.duration_ms).padStart(7),
    ...(good ? [] : [paintStatus(record.status, paint)]),
    ...(record.attempt > 1 ? [paint("yellow", `attempt ${record.attempt}`)] : []),
    ...(record.trigger === "replay" ? [paint("magenta", "replay")] : []),
    ...(record.delivery === "retry" && record.retry_at !== null
      ? [paint("yellow", `again ${formatAge(record.retry_at, Date.parse(record.started_at))}`)]
      : []),
    ...(record.delivery === "dead" ? [paint("red", "dead letter")] : []),
  ];
  const head = [
    paint("dim", formatClock(record.started_at)),
    good ? paint("green", "✓") : paint("red", "✗"),
    record.function.padEnd(nameWidth),
    facts.join("  "),
  ].join(" ");
  const output =
    record.output_encoding === "base64" ? `<${record.output_bytes} bytes>` : record.output;
  const room = width - widthOf(head) - 2;
  const line = good && output !== "" ? `${head}  ${clip(visible(output.trim()), room)}` : head;
  const margin = " ".repeat(15);
  return [
    line,
    ...record.logs.map((line) => `${margin}${paint("dim", "│")} ${logText(line, paint)}`),
    ...(record.error === null || isPlainFailure(record)
      ? []
      : [`${margin}${paint("red", visible(reasonOf(record.error)))}`]),
  ];
}

export function invocationTable(
  out: Output,
  records: readonly Invocation[],
  options: { readonly nowMs: number; readonly ofOneEvent?: boolean },
): void {
  const { paint } = out;
  const { nowMs, ofOneEvent = false } = options;
  const event: Column<Invocation> = {
    title: "EVENT",
    text: (record) => visible(record.event_type),
    shrink: "middle",
    dropOrder: 2,
    paint: (text) => paint("cyan", text),
  };
  out.table<Invocation>(
    [
      // Whole, however narrow the terminal: it is what the next command takes.
      { title: "ID", text: ({ id }) => id },
      {
        title: "FUNCTION",
        text: (record) => record.function,
        paint: (text) => paint("bold", text),
      },
      {
        title: "STATUS",
        text: ({ status }) => status,
        paint: (text, { status }) => paint(STATUS_STYLE[status], text),
      },
      { title: "ATTEMPT", text: ({ attempt }) => String(attempt), align: "right", dropOrder: 3 },
      { title: "TRIGGER", text: ({ trigger }) => trigger, dropOrder: 1 },
      ...(ofOneEvent ? [] : [event]),
      {
        title: "DURATION",
        text: (record) => formatDuration(record.duration_ms),
        align: "right",
        dropOrder: 4,
      },
      {
        title: "STARTED",
        text: (record) => formatAge(record.started_at, nowMs),
        paint: (text) => paint("dim", text),
      },
    ],
    records,
  );
}

/** All about one run. */
export function printInvocation(out: Output, record: Invocation, nowMs: number): void {
  const { paint } = out;
  const mark = record.status === "succeeded" ? paint("green", "✓") : paint("red", "✗");
  out.print(
    `${mark} ${paint("bold", record.function)} ${paintStatus(record.status, paint)} in ${formatDuration(record.duration_ms)}`,
  );
  printFields(out, [
    ["invocation", record.id],
    ["event", visible(record.event_id)],
    ["type", visible(record.event_type)],
    ["source", visible(record.event_source)],
    ["version", shortVersion(record.version)],
    ["trigger", `${record.trigger}, attempt ${record.attempt}`],
    ["started", `${record.started_at}  ${paint("dim", formatAge(record.started_at, nowMs))}`],
    [
      "memory",
      `${formatBytes(record.memory_peak_bytes)} at most${record.cold ? ", cold start" : ""}`,
    ],
    ["exit code", record.exit_code === null ? "none" : String(record.exit_code)],
    [
      "error",
      record.error === null
        ? ""
        : `${visible(record.error.message)} ${paint("dim", record.error.code)}`,
    ],
    ["delivery", deliveryText(record, nowMs)],
    ["limits", record.limits_reached.join(", ")],
    ["emitted", record.emitted.join(", ")],
    ["trace", record.trace_id],
  ]);
  if (record.error?.trap !== undefined) printTrap(out, record.error.trap);
  printBlock(out, outputTitle(record), outputText(record));
  const logs = record.logs.map(
    (line) => `${paint("dim", formatClock(line.time))} ${logText(line, paint)}`,
  );
  if (record.logs_truncated) logs.push(paint("yellow", "… cut at the limit"));
  printBlock(out, "Logs", logs.join("\n"));
}

function printTrap(out: Output, trap: Trap): void {
  printBlock(out, "Trap", [visible(trap.reason), ...trapLines(trap, out.paint)].join("\n"));
  printBlock(out, "Last host calls", hostCallLines(trap).join("\n"));
}

/** What went wrong, in short, for where the function is named already. */
export function reasonOf({ message }: { readonly message: string }): string {
  return message
    .replace(/^Cannot run function "[^"]*": /, "")
    .replace(/^it ended with (?=exit code)/, "");
}

function outputText(record: Invocation): string {
  return record.output_encoding === "base64" ? record.output : prettyText(record.output);
}

function outputTitle(record: Invocation): string {
  const notes = [
    formatBytes(record.output_bytes),
    ...(record.output_encoding === "base64" ? ["base64"] : []),
    ...(record.output_truncated ? ["cut at the limit"] : []),
  ];
  return `Output (${notes.join(", ")})`;
}

function deliveryText({ delivery, retry_at: retryAt }: Invocation, nowMs: number): string {
  switch (delivery) {
    case "done":
      return "done";
    case "retry":
      return `will be tried again ${retryAt === null ? "" : formatAge(retryAt, nowMs)}`.trim();
    case "dead":
      return "dead letter: out of attempts (see `nexus dlq`)";
    case "none":
      return "";
  }
}

/** Whether the function said itself why it failed: the message would say the same again. */
export function isPlainFailure(record: Invocation): boolean {
  return record.error?.code === "FUNCTION_FAILED" && record.logs.length > 0;
}

function clip(text: string, room: number): string {
  if (room < 8) return "";
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}
