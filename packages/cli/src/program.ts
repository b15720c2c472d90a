import { Command, type Argument, type CommanderError, type Help } from "commander";
import type { Cli } from "./cli.ts";
import { devCommand } from "./commands/dev.ts";
import { dlqCommand } from "./commands/dlq.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { eventsCommand } from "./commands/events.ts";
import { functionsCommand } from "./commands/functions.ts";
import { invocationsCommand } from "./commands/invocations.ts";
import { invokeCommand } from "./commands/invoke.ts";
import { logsCommand } from "./commands/logs.ts";
import { metricsCommand } from "./commands/metrics.ts";
import { newCommand } from "./commands/new.ts";
import { publishCommand } from "./commands/publish.ts";
import { replayCommand } from "./commands/replay.ts";
import { startCommand } from "./commands/start.ts";
import { validateCommand } from "./commands/validate.ts";
import type { Paint } from "./output.ts";

const GROUPS: readonly (readonly [title: string, commands: readonly ((cli: Cli) => Command)[]])[] =
  [
    ["Develop:", [newCommand, devCommand, validateCommand, invokeCommand]],
    ["Serve:", [startCommand, doctorCommand]],
    [
      "Use a server:",
      [
        publishCommand,
        eventsCommand,
        invocationsCommand,
        logsCommand,
        replayCommand,
        dlqCommand,
        functionsCommand,
        metricsCommand,
      ],
    ],
  ];

/** The whole command line, every command with its options: what is parsed, and what the docs list. */
export function createProgram(cli: Cli, version: string): Command {
  const { out } = cli;
  const program = new Command("nexus")
    .description(
      "Event-driven WebAssembly functions, with every event kept and every run recorded.",
    )
    .usage("<command> [options]")
    .version(version, "-v, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help for a command")
    .addHelpText("after", "\n`nexus <command> --help` tells its options.");
  for (const [title, commands] of GROUPS) {
    program.commandsGroup(title);
    for (const command of commands) program.addCommand(command(cli));
  }
  for (const command of everyCommand(program)) {
    command
      .configureOutput({
        writeOut: (text) => out.write(text),
        writeErr: (text) => out.noteRaw(text),
        // Errors are thrown, and printed where all errors are.
        outputError: () => {},
        getOutHelpWidth: () => Math.min(out.width, WIDEST_HELP),
        getErrHelpWidth: () => WIDEST_HELP,
        getOutHasColors: () => true,
        getErrHasColors: () => true,
        stripColor: (text) => text,
      })
      .configureHelp(helpStyle(out.paint))
      .helpOption("-h, --help", "print help")
      .exitOverride((error) => {
        throw new UsageError(command, error);
      });
  }
  return program;
}

/** What commander ends with: a command used wrongly, or help or the version printed (exit code 0). */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly exitCode: 0 | 2;
  readonly usage: string;
  readonly helpCommand: string;

  constructor(command: Command, { code, exitCode, message }: CommanderError) {
    super(HELP_CODES.has(code) ? "" : oneLine(message));
    this.exitCode = exitCode === 0 ? 0 : 2;
    this.usage = command.createHelp().commandUsage(command);
    this.helpCommand = `${pathOf(command)} --help`;
  }
}

const HELP_CODES: ReadonlySet<string> = new Set([
  "commander.help",
  "commander.helpDisplayed",
  "commander.version",
]);

// commander says `error: unknown command 'evnts'\n(Did you mean events?)`, and of values `error: option
// '--wait <duration>' argument 'x' is invalid. It is not a duration.`
function oneLine(message: string): string {
  return message
    .replace(/^error: /, "")
    .replace(/\n\(Did you mean (.*)\?\)$/, ' (did you mean "$1"?)')
    .replace(/^option '(.*?)' argument '(.*)' is invalid\. It (.*)$/s, 'option $1: "$2" $3')
    .replace(
      /^option '(.*?)' argument '(.*)' is invalid\. Allowed choices are (.*)$/s,
      'option $1: "$2" is none of $3',
    )
    .replace(/\.$/, "");
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** A command and all below it. */
export function everyCommand(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

const WIDEST_HELP = 100;

function helpStyle(paint: Paint): Partial<Help> {
  return {
    // Without `[options]`, which every command has, and without `help` itself.
    subcommandTerm: (command) =>
      [command.name(), ...command.registeredArguments.map(argumentTerm)].join(" "),
    visibleCommands: (command) => command.commands.filter((one) => one.name() !== "help"),
    styleTitle: (text) => paint("bold", text),
    styleCommandText: (text) => paint("cyan", text),
    styleSubcommandText: (text) => paint("cyan", text),
    styleOptionText: (text) => paint("cyan", text),
    styleArgumentText: (text) => paint("cyan", text),
  };
}

function argumentTerm(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}
