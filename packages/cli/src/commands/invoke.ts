import { Command } from "commander";
import { secretsIn } from "@nexus-functions/server/config";
import type { Attempt } from "@nexus-functions/server/dispatch/attempt";
import { CliError, type Cli } from "../cli.ts";
import type { EventOptions } from "../invoke/event.ts";
import { isModulePath } from "../invoke/module.ts";
import { asProgram } from "../invoke/as-program.ts";
import { summarise } from "../invoke/summary.ts";
import { visible } from "../text.ts";
import * as value from "../values.ts";

interface Options extends EventOptions {
  readonly config?: string;
  readonly functionsDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly dir?: readonly { readonly path: string; readonly guest: string }[];
  readonly timeout?: number;
  readonly memory?: number;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const EXAMPLES = `
A module's path, without an event, is run as a program: it reads and writes this command's own streams,
and sees the directories and variables it is given, nothing else.
  nexus invoke hello --data '{"name":"Ada"}'
  nexus invoke build/hello.wasm --event events/hello.json --env LOG_LEVEL=debug
  echo '{"type":"test"}' | nexus invoke build/hello.wasm
  nexus invoke --dir ./data::/data --env LANG=C tool.wasm -- --all /data/in.txt`;

export function invokeCommand(cli: Cli): Command {
  return new Command("invoke")
    .summary("run a function here, without a server")
    .description(
      "Runs a function, or any WASI preview 1 program, once in the sandbox the server uses. Its output, its log lines and its exit code are the command's.",
    )
    .argument("<function>", "a .wasm file, or the name of a function in nexus.yaml")
    .argument("[args...]", "arguments for the module, after --")
    .option("-e, --event <file>", "the event, as a JSON file; - for the command's input")
    .option("-d, --data <json>", "the event's data", value.json)
    .option("-t, --type <type>", "the event's type, with --data")
    .option("--env <NAME=VALUE>", "a variable for the module; can be repeated", value.variable)
    .option(
      "--dir <host::guest>",
      "a directory for a program, to read and write; can be repeated",
      value.directory,
    )
    .option("--timeout <duration>", "longest run, such as 5s (a program: none)", value.duration)
    .option(
      "--memory <size>",
      "largest memory, such as 128Mi (a program: what wasm allows)",
      value.size,
    )
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
  if (isProgram(name, options)) {
    const { dir: directories = [], env = {}, timeout: timeoutMs, memory: memoryBytes } = options;
    const program = {
      path: name,
      args,
      env,
      directories,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    };
    if (await asProgram(cli, program, options.verbose === true)) return;
  }
  if (options.dir !== undefined) {
    throw new CliError(`Cannot grant a directory to "${name}": it is run as a function`, {
      hint: "Directories are for a module that is named by its path, without --event, --data, --type and --json.",
      exitCode: 2,
    });
  }
  await asFunction(cli, { name, args, options });
}

/** Whether it is run as any program would be, and not on an event. */
function isProgram(name: string, { event, data, type, json }: Options): boolean {
  return isModulePath(name) && [event, data, type, json].every((one) => one === undefined);
}

async function asFunction(
  cli: Cli,
  { name, args, options }: { name: string; args: readonly string[]; options: Options },
): Promise<void> {
  const [{ resolveTarget }, { localEvent }, { runLocally }] = await Promise.all([
    import("../invoke/target.ts"),
    import("../invoke/event.ts"),
    import("../invoke/run.ts"),
  ]);
  const target = await resolveTarget(cli, name, options);
  const event = await localEvent(cli, options);
  const { attempt, record } = await runLocally({
    ...target,
    event,
    args,
    secrets: secretsIn(cli.env),
    signal: cli.signal,
  });
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
    summarise(cli, attempt.outcome, attempt);
    tellEmitted(cli, attempt);
  }
}

function tellEmitted({ out }: Cli, { emitted }: Attempt): void {
  for (const { event } of emitted) {
    out.note(`  ${out.notePaint("cyan", visible(event.type))} ${visible(text(event.json))}`);
  }
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

const LINE_FEED = 10;
