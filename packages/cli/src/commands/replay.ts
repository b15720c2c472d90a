import { Command, Option } from "commander";
import { CliError, type Cli } from "../cli.ts";
import { isRecordingFile } from "../recording/file.ts";
import { withReadingOptions } from "../reading.ts";
import { replayMany } from "../replay/many.ts";
import { replayOne, showRerun } from "../replay/one.ts";
import type { ReplayOptions } from "../replay/options.ts";
import { FAIL_ON } from "../report/fail-on.ts";
import * as value from "../values.ts";

export function replayCommand(cli: Cli): Command {
  const command = new Command("replay")
    .summary("run the past again, and compare")
    .description(
      "An invocation is run again from its recording, without effects, on its own version or on a candidate, as it was or with something changed (--set-data, --set-clock, --set-call), and compared; the exit code is 1 where they differ. With --function in place of an id, its past runs are: the report says what is the same and what differs, and --fail-on makes a check of it. A recording in a file is run here, without a server, on the version that it ran on; the exit code is 2 where it cannot be. An event is run again live, on every function it matches now: the record says that it was a replay, and the function sees NEXUS_REPLAY=true.",
    )
    .argument(
      "[id]",
      "of an invocation (see `nexus invocations`) or of an event (see `nexus events`); or a recording, x.nxr",
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
    .option("--live", "runs: again on the version in service, with real effects")
    .option("--dry-run", "runs: say how many, and what they did to the world, and run none")
    .option("-y, --yes", "runs: do not ask before --live")
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
    .option("--report <file>", "write the report there as a page of its own (HTML)")
    .option("--module <file>", "x.nxr: the module, where it is not in it")
    .option(
      "-c, --config <file>",
      "x.nxr: the project that has its module (NEXUS_CONFIG, nexus.yaml)",
    )
    .option("--data-dir <dir>", "x.nxr: the data directory that has its module (NEXUS_DATA_DIR)");
  return withReadingOptions(command).action((id: string | undefined, options: ReplayOptions) => {
    const given = command.options.filter((option) => option.attributeName() in options);
    refuseOthers(
      id,
      given.map(({ long }) => long!),
    );
    if (id === undefined) return replayMany(cli, options);
    return isRecordingFile(id) ? replayFile(cli, id, options) : replayOne(cli, id, options);
  });
}

async function replayFile(cli: Cli, path: string, options: ReplayOptions): Promise<void> {
  cli.out.progress("Replaying …");
  const { fileAgain } = await import("../recording/again.ts");
  showRerun(cli, await fileAgain(cli, path, options), options);
}

/** Options that do not go with what is to be replayed would be passed over. */
function refuseOthers(id: string | undefined, given: readonly string[]): void {
  const isOther = (option: string): boolean => {
    if (id === undefined) return ONLY_OF_FILE.includes(option);
    return !(isRecordingFile(id) ? OF_FILE : OF_ONE).includes(option);
  };
  const other = given.find(isOther);
  if (other === undefined) return;
  const what = id === undefined ? "Cannot replay" : `Cannot replay "${id}"`;
  throw new CliError(`${what}: ${other} is for ${whatFor(other)}`, { exitCode: 2 });
}

function whatFor(option: string): string {
  if (ONLY_OF_FILE.includes(option)) return "a recording in a file";
  return OF_ONE.includes(option) ? "what a server has" : "runs of a --function";
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

const ONLY_OF_FILE: readonly string[] = ["--module", "--config", "--data-dir"];

/** What goes with a recording in a file. */
const OF_FILE: readonly string[] = [...ONLY_OF_FILE, "--json"];
