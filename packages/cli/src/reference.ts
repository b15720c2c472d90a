import type { Argument, Command, Option } from "commander";

/** The command line in Markdown: one section a command, in the order of the help. */
export function reference(program: Command): string {
  return program.commands.flatMap((command) => sections(command, [program.name()])).join("\n");
}

function sections(command: Command, above: readonly string[]): readonly string[] {
  const path = [...above, command.name()];
  const own = [
    `### \`${path.join(" ")}\``,
    command.description(),
    `\`\`\`text\n${[path.join(" "), command.usage()].join(" ").trim()}\n\`\`\``,
    ...rows("Argument", command.registeredArguments.map(argumentRow)),
    ...rows("Option", command.options.map(optionRow)),
  ].join("\n\n");
  return [`${own}\n`, ...command.commands.flatMap((one) => sections(one, path))];
}

function rows(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [[`| ${title} | |`, "|---|---|", ...lines].join("\n")];
}

function argumentRow(argument: Argument): string {
  return `| \`${cell(argument.name())}\` | ${cell(argument.description)} |`;
}

function optionRow({ flags, description, argChoices }: Option): string {
  const choices = argChoices === undefined ? "" : ` (${argChoices.join(", ")})`;
  return `| \`${cell(flags)}\` | ${cell(`${description}${choices}`)} |`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
