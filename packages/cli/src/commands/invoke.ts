import { Command } from "commander";
import type { Attempt } from "@nexus-functions/server/dispatch/attempt";
import { resolveTarget } from "../invoke/target.ts";
import { localEvent, type EventOptions } from "../invoke/event.ts";
import { runLocally } from "../invoke/run.ts";
import type { Cli } from "../cli.ts";
import { counted, indent, visible } from "../text.ts";
import { hostCallLines, trapLines, withoutFrames } from "../trap.ts";
import { formatBytes, formatDuration } from "../units.ts";
import * as value from "../values.ts";

interface Options extends EventOptions {
  readonly config?: string;
  readonly functionsDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeout?: number;
  readonly memory?: number;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const EXAMPLES = `
Without --event and --data the module reads this command's own input:
  echo '{"type":"test"}' | nexus invoke build/hello.wasm
  nexus invoke hello --data '{"name":"Ada"}'
  nexus invoke build/hello.wasm --event events/hello.json --env LOG_LEVEL=debug`;

export function invokeCommand(cli: Cli): Command {
  return new Command("invoke")
    .summary("run a function here, without a server")
    .description(
      "Runs a function once in the sandbox the server uses. Its output, its log lines and its exit code are the command's.",
    )
    .argument("<function>", "a .wasm file, or the name of a function in nexus.yaml")
    .argument("[args...]", "arguments for the module, after --")
    .option("-e, --event <file>", "the event, as a JSON file; - for the command's input")
    .option("-d, --data <json>", "the event's data", value.json)
    .option("-t, --type <type>", "the event's type, with --data")
    .option("--env <NAME=VALUE>", "a variable for the module; can be repeated", value.variable)
    .option("--timeout <duration>", "longest run, such as 5s", value.duration)
    .option("--memory <size>", "largest memory, such as 128Mi", value.size)
    .option(
      "-c, --config <file>",
      "where the function's name is looked up (NEXUS_CONFIG, nexus.yaml)",
    )
    .option("--functions-dir <dir>", "a folder of modules (NEXUS_FUNCTIONS_DIR)")
    .option("--json", "print the invocation's record as JSON")
    .option("--verbose", "print the summary when nobody is watching, too")
    .addHelpText("after", EXAMPLES)
    .action((name: string, args: readonly string[], options: Options) =>
      invoke(cli, { name, args, options }),
    );
}

async function invoke(
  cli: Cli,
  { name, args, options }: { name: string; args: readonly string[]; options: Options },
): Promise<void> {
  const target = await resolveTarget(cli, name, options);
  const event = await localEvent(cli, options);
  const { attempt, record } = await runLocally({ ...target, event, args, signal: cli.signal });
  cli.exitWith(record.status === "succeeded" ? 0 : record.exit_code || 1);
  if (options.json === true) {
    const emitted = attempt.emitted.map(({ event }) => JSON.parse(text(event.json)) as unknown);
    cli.out.json({ ...record, emitted });
    return;
  }
  for (const line of record.logs) cli.out.noteRaw(`${line.text}\n`);
  cli.out.write(attempt.outcome.output);
  if (cli.out.attended || options.verbose === true || attempt.error !== null) {
    if (cli.out.terminal && attempt.outcome.output.at(-1) !== LINE_FEED) cli.out.print();
    summarise(cli, attempt);
  }
}

function summarise({ out }: Cli, { status, error, outcome, emitted }: Attempt): void {
  const paint = out.notePaint;
  const mark = status === "succeeded" ? paint("green", "✓") : paint("red", "✗");
  const facts = [
    outcome.exitCode === null || outcome.exitCode === 0
      ? status
      : `${status} (exit code ${outcome.exitCode})`,
    formatDuration(outcome.durationMs),
    `${formatBytes(outcome.memoryPeakBytes)} memory`,
    ...(outcome.outputBytes > outcome.output.length
      ? [
          `output cut at ${formatBytes(outcome.output.length)} of ${formatBytes(outcome.outputBytes)}`,
        ]
      : []),
    ...(outcome.logsTruncated ? ["logs cut"] : []),
    ...(emitted.length === 0 ? [] : [`${counted(emitted.length, "event")} emitted`]),
  ];
  out.note(`${mark} ${facts.join(paint("dim", " · "))}`);
  // An exit code has been said; what else went wrong needs words.
  if (error !== null && outcome.exitCode === null) {
    out.note(`  ${indent(visible(withoutFrames(error), true), "  ").trimStart()}`);
    const { trap } = error;
    for (const line of trap === undefined ? [] : trapLines(trap, paint)) out.note(`    ${line}`);
    const calls = trap === undefined ? [] : hostCallLines(trap);
    if (calls.length > 0) out.note("  its last host calls:");
    for (const call of calls) out.note(`    ${call}`);
  }
  for (const { event } of emitted) {
    out.note(`  ${paint("cyan", visible(event.type))} ${visible(text(event.json))}`);
  }
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

const LINE_FEED = 10;
