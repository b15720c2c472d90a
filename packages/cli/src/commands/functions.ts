import { Command } from "commander";
import type { Function as FunctionInfo } from "@nexus-functions/client/api.gen";
import { connect } from "../connect.ts";
import type { Cli } from "../cli.ts";
import { triggerText } from "../project.ts";
import { withReadingOptions, type ReadingOptions } from "../reading.ts";
import { printFields } from "../print.ts";
import { counted, visible } from "../text.ts";
import { formatAge, formatBytes, formatDuration, shortVersion } from "../units.ts";

export function functionsCommand(cli: Cli): Command {
  const command = new Command("functions")
    .summary("what is in service")
    .description(
      "Lists the functions in service with their triggers and versions, or shows one with its settings.",
    )
    .argument("[name]", "the function's name");
  return withReadingOptions(command).action((name: string | undefined, options: ReadingOptions) =>
    name === undefined ? list(cli, options) : show(cli, name, options),
  );
}

async function list(cli: Cli, options: ReadingOptions): Promise<void> {
  const { out } = cli;
  const { paint } = out;
  const functions = await connect(cli, options).listFunctions();
  if (options.json === true) return out.json({ functions });
  if (functions.length === 0) return out.note("No functions in service.");
  out.table<FunctionInfo>(
    [
      { title: "FUNCTION", text: ({ name }) => name, paint: (text) => paint("bold", text) },
      {
        title: "TRIGGERS",
        text: ({ triggers }) => visible(triggers.map(triggerText).join(", ")),
        shrink: "end",
        paint: (text) => paint("cyan", text),
      },
      {
        title: "VERSION",
        text: ({ version }) => shortVersion(version),
        paint: (text) => paint("dim", text),
      },
    ],
    functions,
  );
}

async function show(cli: Cli, name: string, options: ReadingOptions): Promise<void> {
  const { out } = cli;
  const fn = await connect(cli, options).getFunction(name);
  if (options.json === true) return out.json(fn);
  const { limits, retry, counters } = fn;
  const runs = Object.entries(counters.invocations).filter(([, count]) => count > 0);
  out.print(`${out.paint("bold", fn.name)} ${out.paint("dim", shortVersion(fn.version))}`);
  printFields(out, [
    ...fn.triggers.map(
      (trigger, index) => [index === 0 ? "triggers" : "", visible(triggerText(trigger))] as const,
    ),
    ["code", `${visible(fn.code)}  ${out.paint("dim", formatBytes(fn.module_bytes))}`],
    ["version", fn.version],
    ["deployed", `${fn.deployed_at}  ${out.paint("dim", formatAge(fn.deployed_at, Date.now()))}`],
    [
      "limits",
      `${formatDuration(limits.timeout_ms)}, ${formatBytes(limits.memory_bytes)} memory, ${formatBytes(limits.output_bytes)} output`,
    ],
    ["at a time", String(fn.concurrency)],
    ["order by", fn.order_by ?? ""],
    [
      "retry",
      `${counted(retry.attempts, "attempt")}, first after ${formatDuration(retry.backoff_ms)}, at most ${formatDuration(retry.max_backoff_ms)} apart`,
    ],
    ["env", fn.env.join(", ")],
    ["recorded", fn.record],
    ["redacted", visible(fn.redact.join(", "))],
    [
      "runs",
      runs.map(([status, count]) => `${count.toLocaleString("en-US")} ${status}`).join(", ") ||
        "none since the server started",
    ],
    ["queue", queueText(counters)],
  ]);
}

function queueText(counters: FunctionInfo["counters"]): string {
  const { waiting, running, retrying, oldest_ms: oldestMs } = counters;
  if (waiting + running + retrying === 0) return "empty";
  return `${waiting} waiting, ${running} running, ${retrying} to be tried again; the oldest is ${formatDuration(oldestMs)} old`;
}
