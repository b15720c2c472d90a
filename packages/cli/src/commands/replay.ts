import { Command, Option } from "commander";
import { CliError, type Cli } from "../cli.ts";
import { withReadingOptions } from "../reading.ts";
import { replayMany } from "../replay/many.ts";
import { replayOne } from "../replay/one.ts";
import type { ReplayOptions } from "../replay/options.ts";
import { FAIL_ON } from "../report/fail-on.ts";
import * as value from "../values.ts";

export function replayCommand(cli: Cli): Command {
  const command = new Command("replay")
    .summary("run the past again, and compare")
    .description(
      "An invocation is run again from its recording, without effects, on its own version or on a candidate, as it was or with something changed (--set-data, --set-clock, --set-call), and compared; the exit code is 1 where they differ. With --function in place of an id, its past runs are: the report says what is the same and what differs, and --fail-on makes a check of it. An event is run again live, on every function it matches now: the record says that it was a replay, and the function sees NEXUS_REPLAY=true.",
    )
    .argument(
      "[id]",
      "of an invocation (see `nexus invocations`) or of an event (see `nexus events`)",
    )
    .option("-f, --function <name>", "past runs of this function; an event: on this function only")
    .option(
      "--against <file>",
      "a module, with the settings of each run's version (- is the input)",
    )
    .option("--against-version <sha256>", "a version that was served here, or its first digits")
    .option("--set-data <path=value>", "the event is otherwise (data.amount=0)", value.assignment)
    .option("--set-clock <time>", "the run begins then", value.moment)
    .option(
      "--set-call <n=answer>",
      `the host answers its nth call so ('2={"status":500}')`,
      value.answer,
    )
    .option("--since <time>", "runs started since then, or so long ago (24h)", value.moment)
    .option("--until <time>", "runs started before then, or so long ago", value.moment)
    .option("--type <pattern>", "runs on events of this type")
    .option("--status <status>", "runs that ended so", value.status)
    .option("--event-id <id...>", "runs on these events")
    .option("--sample <share>", "so many of the runs, the same each time (10%)", value.share)
    .option(
      "-n, --limit <count>",
      "so many runs at most, the newest (1,000)",
      value.count(1, 100_000),
    )
    .option("--concurrency <count>", "runs at the same time (1)", value.count(1, 64))
    .option("--rate <count>", "runs a second at most", value.count(1, 100_000))
    .addOption(
      new Option("--fail-on <what>", "exit with 1 where a run is so, or none was compared").choices(
        FAIL_ON,
      ),
    )
    .option("--report <file>", "write the report there as a page of its own (HTML)");
  return withReadingOptions(command).action((id: string | undefined, options: ReplayOptions) => {
    if (id === undefined) return replayMany(cli, options);
    const more = command.options.find(
      (option) => !OF_ONE.includes(option.long!) && option.attributeName() in options,
    );
    if (more === undefined) return replayOne(cli, id, options);
    throw new CliError(`Cannot replay "${id}": ${more.long} is for runs of a --function`, {
      exitCode: 2,
    });
  });
}

/** What goes with the id of an invocation or event. */
const OF_ONE: readonly string[] = [
  "--function",
  "--against",
  "--against-version",
  "--set-data",
  "--set-clock",
  "--set-call",
  "--url",
  "--token-file",
  "--json",
];
