import { Command, type Argument, type CommanderError, type Help } from "commander";
import type { Cli } from "./cli.ts";
import type { Paint } from "./output.ts";

type MakeCommand = (cli: Cli) => Command;

// Loaded when they are needed: a run of one does not wait for what the others import.
const GROUPS: readonly (readonly [
  title: string,
  commands: Readonly<Record<string, () => Promise<MakeCommand>>>,
])[] = [
  [
    "Develop:",
    {
      new: () => import("./commands/new.ts").then((m) => m.newCommand),
      dev: () => import("./commands/dev.ts").then((m) => m.devCommand),
      validate: () => import("./commands/validate.ts").then((m) => m.validateCommand),
      invoke: () => import("./commands/invoke.ts").then((m) => m.invokeCommand),
      test: () => import("./commands/test.ts").then((m) => m.testCommand),
      fixture: () => import("./commands/fixture.ts").then((m) => m.fixtureCommand),
    },
  ],
  [
    "Serve:",
    {
      start: () => import("./commands/start.ts").then((m) => m.startCommand),
      doctor: () => import("./commands/doctor.ts").then((m) => m.doctorCommand),
      export: () => import("./commands/export.ts").then((m) => m.exportCommand),
      import: () => import("./commands/import.ts").then((m) => m.importCommand),
    },
  ],
  [
    "Use a server:",
    {
      publish: () => import("./commands/publish.ts").then((m) => m.publishCommand),
      events: () => import("./commands/events.ts").then((m) => m.eventsCommand),
      invocations: () => import("./commands/invocations.ts").then((m) => m.invocationsCommand),
      logs: () => import("./commands/logs.ts").then((m) => m.logsCommand),
      recording: () => import("./commands/recording.ts").then((m) => m.recordingCommand),
      replay: () => import("./commands/replay.ts").then((m) => m.replayCommand),
      bisect: () => import("./commands/bisect.ts").then((m) => m.bisectCommand),
      dlq: () => import("./commands/dlq.ts").then((m) => m.dlqCommand),
      functions: () => import("./commands/functions.ts").then((m) => m.functionsCommand),
      metrics: () => import("./commands/metrics.ts").then((m) => m.metricsCommand),
    },
  ],
];

/**
 * The whole command line, every command with its options: what is parsed, and what the docs list. Where
 * `only` is a command's name, that command alone.
 */
export async function createProgram(cli: Cli, version: string, only = ""): Promise<Command> {
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
  const one = GROUPS.find(([, commands]) => Object.hasOwn(commands, only))?.[1][only];
  if (one === undefined) await addAll(program, cli);
  else program.addCommand((await one())(cli));
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

async function addAll(program: Command, cli: Cli): Promise<void> {
  for (const [title, commands] of GROUPS) {
    program.commandsGroup(title);
    const made = await Promise.all(Object.values(commands).map((load) => load()));
    for (const command of made) program.addCommand(command(cli));
  }
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
