import { Command } from "commander";
import { connect, type FunctionJson } from "../api.ts";
import type { Cli } from "../cli.ts";
import { triggerText } from "../project.ts";
import { withReadingOptions, type ReadingOptions } from "../reading.ts";
import { printFields } from "../records.ts";
import { visible } from "../text.ts";
import { shortVersion } from "../units.ts";

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
  const functions = await connect(cli, options).functions();
  if (options.json === true) return out.json({ functions });
  if (functions.length === 0) return out.note("No functions in service.");
  out.table<FunctionJson>(
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
  const fn = await connect(cli, options).fn(name);
  if (options.json === true) return out.json(fn);
  out.print(`${out.paint("bold", fn.name)} ${out.paint("dim", shortVersion(fn.version))}`);
  printFields(
    out,
    fn.triggers.map((trigger, index) => [
      index === 0 ? "triggers" : " ",
      visible(triggerText(trigger)),
    ]),
  );
}
