import { Command } from "commander";
import type { DeadLetter } from "@nexus-functions/client/api.gen";
import { connect } from "../connect.ts";
import { CliError, type Cli } from "../cli.ts";
import { confirm } from "../ask.ts";
import {
  collect,
  noteMore,
  pageSize,
  withPageOptions,
  withReadingOptions,
  type PageOptions,
  type ReadingOptions,
} from "../reading.ts";
import { printFields } from "../print.ts";
import { printInvocation, reasonOf } from "../records.ts";
import { counted, visible } from "../text.ts";
import { formatAge } from "../units.ts";

interface Filter {
  readonly function?: string;
  readonly type?: string;
}

type ListOptions = ReadingOptions & PageOptions & Filter;
type RedriveOptions = ReadingOptions & Filter & { readonly all?: boolean; readonly yes?: boolean };

export function dlqCommand(cli: Cli): Command {
  return new Command("dlq")
    .summary("dead letters: list, look at, run again")
    .description("Deliveries that used up their attempts. Without a command it lists them.")
    .addCommand(listCommand(cli), { isDefault: true })
    .addCommand(showCommand(cli))
    .addCommand(redriveCommand(cli));
}

function withFilter(command: Command): Command {
  return command
    .option("-f, --function <name>", "of this function")
    .option("-t, --type <pattern>", "of events of this type; * stands for anything");
}

function listCommand(cli: Cli): Command {
  const command = withFilter(
    new Command("list")
      .summary("list them, newest first")
      .description("Lists dead letters, newest first."),
  );
  withPageOptions(command, "dead letters");
  return withReadingOptions(command).action((options: ListOptions) => list(cli, options));
}

function showCommand(cli: Cli): Command {
  return withReadingOptions(
    new Command("show")
      .summary("show one, with its last run")
      .description("Shows a dead letter, with the record of its last run.")
      .argument("<id>", "the dead letter's id"),
  ).action((id: string, options: ReadingOptions) => show(cli, id, options));
}

function redriveCommand(cli: Cli): Command {
  const command = new Command("redrive")
    .summary("run one again, or many")
    .description("Makes deliveries due again, from attempt 1, and takes them off the list.")
    .argument("[id]", "the dead letter's id; or use --all")
    .option("--all", "every dead letter, or every one that --function and --type leave");
  return withReadingOptions(withFilter(command).option("-y, --yes", "do not ask")).action(
    (id: string | undefined, options: RedriveOptions) =>
      id === undefined ? redriveAll(cli, options) : redriveOne(cli, id, options),
  );
}

async function list(cli: Cli, options: ListOptions): Promise<void> {
  const { out } = cli;
  const { paint } = out;
  const api = connect(cli, options);
  const { function: name, type } = options;
  const query = { function: name, type, limit: pageSize(options) };
  const found = await collect(options, api.deadLetters(query));
  if (options.json === true) return out.json({ dead_letters: found.items });
  if (found.items.length === 0) return out.note("No dead letters.");
  const now = Date.now();
  out.table<DeadLetter>(
    [
      { title: "ID", text: ({ id }) => id },
      {
        title: "FUNCTION",
        text: (letter) => letter.function,
        paint: (text) => paint("bold", text),
      },
      {
        title: "EVENT",
        text: (letter) => visible(letter.event_type),
        shrink: "middle",
        dropOrder: 2,
        paint: (text) => paint("cyan", text),
      },
      { title: "ATTEMPTS", text: ({ attempts }) => String(attempts), align: "right", dropOrder: 1 },
      {
        title: "ERROR",
        text: ({ error }) => visible(reasonOf(error)),
        shrink: "end",
        paint: (text) => paint("red", text),
      },
      {
        title: "SINCE",
        text: (letter) => formatAge(letter.dead_at, now),
        paint: (text) => paint("dim", text),
      },
    ],
    found.items,
  );
  if (found.more) noteMore(out);
}

async function show(cli: Cli, id: string, options: ReadingOptions): Promise<void> {
  const { out } = cli;
  const api = connect(cli, options);
  const letter = await api.getDeadLetter(id);
  if (options.json === true) return out.json(letter);
  const now = Date.now();
  out.print(
    `${out.paint("red", "✗")} ${out.paint("bold", letter.function)} gave up after ${counted(letter.attempts, "attempt")}`,
  );
  printFields(out, [
    ["dead letter", letter.id],
    ["since", `${letter.dead_at}  ${out.paint("dim", formatAge(letter.dead_at, now))}`],
    ["run again", `nexus dlq redrive ${letter.id}`],
  ]);
  out.print();
  out.print(out.paint("dim", "Its last run:"));
  printInvocation(out, await api.getInvocation(letter.invocation_id), now);
}

async function redriveOne(cli: Cli, id: string, options: RedriveOptions): Promise<void> {
  if (options.all === true) {
    throw new CliError("Cannot redrive both one dead letter and --all", { exitCode: 2 });
  }
  await connect(cli, options).redrive(id);
  if (options.json === true) cli.out.json({ redriven: 1 });
  else cli.out.print("Redriven: it is due now, from attempt 1.");
}

async function redriveAll(cli: Cli, options: RedriveOptions): Promise<void> {
  const { out } = cli;
  const { function: name, type, all, yes } = options;
  if (all !== true && name === undefined && type === undefined) {
    throw new CliError("Cannot redrive: name a dead letter, or say --all, --function or --type", {
      exitCode: 2,
    });
  }
  const api = connect(cli, options);
  const which = [
    ...(name === undefined ? [] : [`of function "${name}"`]),
    ...(type === undefined ? [] : [`of events "${type}"`]),
  ].join(" ");
  const question = `Run every dead letter ${which === "" ? "there is" : which} again?`;
  if (yes !== true && out.interactive && !(await confirm(cli, question))) {
    return out.note("Nothing was redriven.");
  }
  out.progress("Redriving …");
  const { redriven } = await api.redriveMany({
    ...(name === undefined ? {} : { function: name }),
    ...(type === undefined ? {} : { type }),
  });
  if (options.json === true) out.json({ redriven });
  else out.print(`Redriven: ${counted(redriven, "dead letter")}.`);
}
