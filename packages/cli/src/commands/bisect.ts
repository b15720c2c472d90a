import { Command } from "commander";
import type { Cli } from "../cli.ts";
import { withReadingOptions } from "../reading.ts";
import { bisect, type BisectOptions } from "../replay/bisect.ts";

export function bisectCommand(cli: Cli): Command {
  const command = new Command("bisect")
    .summary("find the version that changed what a run does")
    .description(
      "Runs a recorded invocation again, without effects, on versions between a good and a bad one, and finds the first that no longer does what the good one does.",
    )
    .argument("<id>", "of an invocation, or of an event that one function ran on")
    .requiredOption("--good <sha256>", "a version that does the right thing, or its first digits")
    .requiredOption("--bad <sha256>", "a later one that does not");
  return withReadingOptions(command).action((id: string, options: BisectOptions) =>
    bisect(cli, id, options),
  );
}
